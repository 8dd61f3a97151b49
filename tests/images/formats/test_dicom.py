"""DICOM files, made with pydicom: the numbers are those of an array with the same range."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from sklift.images import Reader
from sklift.images._formats import _base
from sklift.images._keys import keys_by_content

pydicom = pytest.importorskip("pydicom", minversion="3.0.1")

Dataset, Sequence, uid = pydicom.Dataset, pydicom.Sequence, pydicom.uid
RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 4096, (6, 8), dtype=np.uint16)
SIGNED = (GREY.astype(np.int16) - 2048).astype(np.int16)
COLOURS = RNG.integers(0, 256, (6, 8, 3), dtype=np.uint8)


def dicom(pixels, bits=12, kind="MONOCHROME2", *, frames=None, mark=True, **tags):
    """The content of a DICOM file of (height, width), (height, width, 3), or frames of them."""
    ds = Dataset()
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = (
        uid.ExplicitVRLittleEndian if mark else uid.ImplicitVRLittleEndian
    )
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = uid.SecondaryCaptureImageStorage
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    ds.Modality = "OT"
    shape = pixels.shape if frames is None else pixels.shape[1:]
    ds.Rows, ds.Columns = shape[:2]
    ds.SamplesPerPixel = 1 if len(shape) == 2 else 3
    if ds.SamplesPerPixel == 3:
        ds.PlanarConfiguration = 0
    if frames is not None:
        ds.NumberOfFrames = frames
    ds.PhotometricInterpretation = kind
    ds.BitsAllocated = 8 * pixels.dtype.itemsize
    ds.BitsStored, ds.HighBit = bits, bits - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    for name, value in tags.items():
        setattr(ds, name, value)
    ds.PixelData = pixels.tobytes()
    return content_of(ds, mark)


def content_of(ds, mark=True):
    stream = io.BytesIO()
    if mark:
        ds.save_as(stream, enforce_file_format=True)
        return stream.getvalue()
    del ds.file_meta
    ds.save_as(stream, implicit_vr=True, little_endian=True)
    return stream.getvalue()


def table(entries, first, bits, vr="OW"):
    item = Dataset()
    item.LUTDescriptor = [len(entries), first, bits]
    item["LUTDescriptor"].VR = "SS" if first < 0 else "US"
    data = np.asarray(entries, dtype=np.uint8 if vr == "bytes" else np.uint16).tobytes()
    item.add_new("LUTData", "OW", data)
    return Sequence([item])


def read(content, tmp_path=None, **settings):
    return Reader(**settings).build([content])[0]


def array(pixels, value_range):
    return Reader(value_range=value_range).build([pixels])[0]


CURVE = np.linspace(0, 255, 4096).astype(np.uint8)[::-1]
RESCALED = {"RescaleSlope": 2, "RescaleIntercept": -1024}
WINDOW = {"WindowCenter": 500, "WindowWidth": 1000}
# name: the file, and the array with its range that gives the same
CASES = {
    "12 bits": (dicom(GREY), GREY, 12),
    "16 bits": (dicom(GREY * 16, 16), GREY * 16, 16),
    "8 bits": (dicom(COLOURS[..., 0].copy(), 8), COLOURS[..., 0], None),
    "signed": (dicom(SIGNED), SIGNED, (-2048, 2047)),
    "rescaled": (dicom(GREY, **RESCALED), GREY * 2.0 - 1024, (-1024, 7166)),
    "rescaled, falling": (
        dicom(GREY, RescaleSlope=-1, RescaleIntercept=0),
        -GREY.astype(float),
        (-4095, 0),
    ),
    "window": (dicom(GREY, **WINDOW), GREY, (0, 999)),
    "exact window": (dicom(GREY, **WINDOW, VOILUTFunction="LINEAR_EXACT"), GREY, (0, 1000)),
    "sigmoid": (
        dicom(GREY, **WINDOW, VOILUTFunction="SIGMOID"),
        1 / (1 + np.exp(-4 * (GREY - 500.0) / 1000)),
        (0, 1),
    ),
    "the first of two windows": (
        dicom(GREY, WindowCenter=[500, 9], WindowWidth=[1000, 3]),
        GREY,
        (0, 999),
    ),
    "window of rescaled numbers": (dicom(GREY, **RESCALED, **WINDOW), GREY * 2.0 - 1024, (0, 999)),
    "modality LUT": (
        dicom(GREY, ModalityLUTSequence=table(np.arange(4096) * 15 + 5, 0, 16)),
        GREY * 15 + 5,
        16,
    ),
    "VOI LUT of 8 bits": (dicom(GREY, VOILUTSequence=table(CURVE, 0, 8)), CURVE[GREY], None),
    "VOI LUT of 8 bits in bytes": (
        dicom(GREY, VOILUTSequence=table(CURVE, 0, 8, "bytes")),
        CURVE[GREY],
        None,
    ),
    "VOI LUT of a part": (
        dicom(GREY, VOILUTSequence=table(np.arange(1000), 1500, 10)),
        np.clip(GREY.astype(int) - 1500, 0, 999).astype(np.uint16),
        10,
    ),
    "VOI LUT of signed numbers": (
        dicom(SIGNED, VOILUTSequence=table(CURVE, -2048, 8)),
        CURVE[GREY],
        None,
    ),
    "unused bits": (dicom(GREY | 0xF000), GREY, 12),
    "unused bits of signed numbers": (
        dicom((SIGNED.astype(np.uint16) & 0x0FFF).astype(np.int16)),
        SIGNED,
        (-2048, 2047),
    ),
    "bits on top": (dicom(GREY << 4, 12, HighBit=15), GREY, 12),
    "colours": (dicom(COLOURS, 8, "RGB"), COLOURS, None),
    "planes apart": (
        dicom(COLOURS.transpose(2, 0, 1).copy().reshape(6, 8, 3), 8, "RGB", PlanarConfiguration=1),
        COLOURS,
        None,
    ),
    "without mark": (dicom(GREY, mark=False), GREY, 12),
}


@pytest.mark.parametrize("case", CASES)
def test_numbers_are_those_of_an_array(tmp_path, case):
    content, pixels, value_range = CASES[case]
    expected = array(pixels, value_range)
    path = tmp_path / "x.dcm"
    path.write_bytes(content)
    np.testing.assert_array_equal(read(path), expected)
    assert expected.min() < 100 and expected.max() > 150
    if case != "without mark":  # bytes have no ending
        np.testing.assert_array_equal(read(content), expected)


@pytest.mark.parametrize("tags", [{}, WINDOW, {"VOILUTSequence": table(CURVE, 0, 8)}])
def test_monochrome1_is_upright_and_positive(tags):
    upright, negative = (read(dicom(GREY, kind=f"MONOCHROME{k}", **tags)) for k in (2, 1))
    np.testing.assert_array_equal(negative, 255 - upright)


@pytest.mark.parametrize("tags", [WINDOW, {"VOILUTSequence": table(CURVE, 0, 8)}, RESCALED])
@pytest.mark.parametrize("value_range", [(100, 3000), "percentiles"])
def test_a_range_of_the_reader_counts_instead_of_the_window(tags, value_range):
    pixels = GREY * 2.0 - 1024 if tags is RESCALED else GREY
    found = read(dicom(GREY, **tags), value_range=value_range)
    np.testing.assert_array_equal(found, array(pixels, value_range))


def test_a_window_that_goes_beyond_eight_bits():
    found = read(dicom(COLOURS[..., 0], 8, WindowCenter=128, WindowWidth=401))
    np.testing.assert_array_equal(found, array(COLOURS[..., 0].astype(np.int16), (-72.5, 327.5)))


def test_a_range_of_the_reader_leaves_colours_and_eight_bits():
    tags = {}
    for name in ("Red", "Green", "Blue"):
        tags[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        tags[f"{name}PaletteColorLookupTableData"] = np.arange(0, 65536, 257, np.uint16).tobytes()
    contents = [
        dicom(COLOURS[..., 0], 8, "PALETTE COLOR", **tags),
        dicom(np.rint(COLOURS / 255 * 4095).astype(np.uint16), 12, "RGB"),
        dicom(COLOURS[..., 0], 8, RescaleSlope=1, RescaleIntercept=0),
    ]
    for content in contents:
        for value_range in ((-160, 300), 14):
            np.testing.assert_array_equal(read(content, value_range=value_range), read(content))
        assert len(np.unique(read(content))) > 20


def test_frames(tmp_path):
    path = tmp_path / "x"  # many have no ending
    path.write_bytes(dicom(np.stack([GREY, GREY // 2, GREY // 3]), frames=3))
    for frame, part in ((0, 1), (1, 2), (-1, 3), ("middle", 2)):
        np.testing.assert_array_equal(read(path, frame=frame), array(GREY // part, 12))
    with pytest.raises(ValueError, match=r"x has 3 frames, reader__frame=3 is none of them"):
        read(path, frame=3)


def test_enhanced_images_say_it_in_groups():
    def group(**tags):
        item = Dataset()
        for name, values in tags.items():
            inner = Dataset()
            inner.update({})
            for key, value in values.items():
                setattr(inner, key, value)
            setattr(item, name, Sequence([inner]))
        return item

    each = [group(FrameVOILUTSequence={"WindowCenter": c, "WindowWidth": 1001}) for c in (0, 900)]
    content = dicom(
        np.stack([GREY, GREY]),
        frames=2,
        SharedFunctionalGroupsSequence=Sequence([group(PixelValueTransformationSequence=RESCALED)]),
        PerFrameFunctionalGroupsSequence=Sequence(each),
    )
    values = GREY * 2.0 - 1024
    np.testing.assert_array_equal(read(content), array(values, (-500.5, 499.5)))
    np.testing.assert_array_equal(read(content, frame=1), array(values, (399.5, 1399.5)))


@pytest.mark.parametrize(("entries", "bits", "first"), [(256, 8, 0), (256, 16, 0), (300, 8, 5)])
def test_palettes(entries, bits, first):
    tops = {8: 255, 16: 65535}
    tables = RNG.integers(0, tops[bits] + 1, (3, entries))
    tags = {}
    for name, values in zip(("Red", "Green", "Blue"), tables, strict=True):
        tags[f"{name}PaletteColorLookupTableDescriptor"] = [entries, first, bits]
        data = values.astype(np.uint8 if bits == 8 else np.uint16)
        tags[f"{name}PaletteColorLookupTableData"] = data.tobytes()
    places = RNG.integers(0, 400, (6, 8), dtype=np.uint16)
    found = read(dicom(places, 16, "PALETTE COLOR", **tags))
    chosen = tables.T[np.clip(places.astype(int) - first, 0, entries - 1)]
    expected = chosen.astype(np.uint8 if bits == 8 else np.uint16)
    np.testing.assert_array_equal(found, array(expected, None))


def test_luminance_and_chrominance():
    yes = np.asarray(Image.fromarray(COLOURS).convert("YCbCr"))
    found = read(dicom(yes.copy(), 8, "YBR_FULL"))
    assert abs(found.astype(int) - COLOURS).max() <= 3


def test_compressed(tmp_path):
    ds = pydicom.dcmread(io.BytesIO(CASES["window"][0]))
    ds.compress(uid.RLELossless)
    np.testing.assert_array_equal(read(content_of(ds)), array(GREY, (0, 999)))
    ds = pydicom.dcmread(io.BytesIO(CASES["12 bits"][0]))
    ds.file_meta.TransferSyntaxUID = uid.JPEGLosslessSV1
    ds.PixelData = pydicom.encaps.encapsulate([b"\xff\xd8\xff\xd9"])
    ds["PixelData"].is_undefined_length = True
    path = tmp_path / "y.dcm"
    path.write_bytes(content_of(ds))
    with pytest.raises(ValueError, match=r"y\.dcm: .*(JPEG Lossless|decode)"):
        read(path)


def test_bad_files(tmp_path):
    report = pydicom.dcmread(io.BytesIO(CASES["12 bits"][0]))
    for name in ("PixelData", "Rows", "Columns"):
        delattr(report, name)
    report.Modality = "SR"
    bad = {
        "report": (content_of(report), r"without pixels \(SR\)"),
        "cut": (CASES["12 bits"][0][:-50], "can't be decoded"),
        "nothing": (b"\0" * 128 + b"DICM", "without pixels"),
        "no range": (dicom(GREY, 16, **RESCALED), r"float64, and nothing.*value_range=\(low, high"),
        "signed": (dicom(SIGNED, 16), r"int16, and nothing.*value_range=\(low, high"),
    }
    for name, (content, message) in bad.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(ValueError, match=rf"{name}: .*{message}"):
            Reader().build([path])[0]


def test_a_warning_of_numbers_that_leave_their_range_unused():
    with pytest.warns(UserWarning, match=r"largest of their values seen is \d+.*value_range=12"):
        read(dicom(GREY, 16))


def test_keys_depend_on_the_versions_of_decoders(monkeypatch):
    def key(content):
        return keys_by_content(Reader().build([content]), [0])

    Image.fromarray(COLOURS).save(stream := io.BytesIO(), "PNG")
    scan, picture = CASES["12 bits"][0], stream.getvalue()
    before = key(scan), key(picture)
    monkeypatch.setattr(_base, "_version", lambda name: "99")
    assert key(scan) != before[0] and key(picture) == before[1]


def test_without_pydicom(monkeypatch, tmp_path):
    import sys

    monkeypatch.setitem(sys.modules, "pydicom", None)
    path = tmp_path / "x.dcm"
    path.write_bytes(CASES["12 bits"][0])
    with pytest.raises(ValueError, match=r'x\.dcm: DICOM .*pip install "scikit-lift\[medical\]"'):
        read(path)


def test_a_picture_with_the_ending_of_dicom(tmp_path):
    path = tmp_path / "x.dcm"
    Image.fromarray(COLOURS).save(path, "PNG")
    np.testing.assert_array_equal(read(path), COLOURS)


def deflated(n_zeros=0):
    ds = pydicom.dcmread(io.BytesIO(dicom(GREY, **WINDOW)))
    ds.file_meta.TransferSyntaxUID = uid.DeflatedExplicitVRLittleEndian
    if n_zeros:
        ds.ImageComments = " " * n_zeros
    return content_of(ds)


def test_a_deflated_file_is_read():
    np.testing.assert_array_equal(read(deflated()), read(dicom(GREY, **WINDOW)))


def test_a_deflated_file_that_grows_out_of_all_bounds_is_refused(monkeypatch):
    monkeypatch.setattr("sklift.images._formats._dicom._MOST", 1 << 16)
    np.testing.assert_array_equal(read(deflated(1000)), read(dicom(GREY, **WINDOW)))
    content = deflated(10**6)
    assert len(content) < 10**4
    with pytest.raises(ValueError, match="once it is inflated"):
        read(content)
