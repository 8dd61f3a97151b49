"""``sklift report``: the scores of a trained classifier, and a page to hand on."""

from __future__ import annotations

import argparse

from ._output import check_output, say, tell_unreadable, to_json
from ._pictures import add_labels, check_columns, with_labels

DESCRIPTION = """\
Score a model of sklift fit on labelled pictures that it was not trained on,
and print the long-tail report. With an output, write one page of HTML: scores
of each class with confidence intervals, confusions, the worst mistakes with
pictures and where the model looked, calibration, and the settings of the
training. It has no scripts and needs no other file. A later report is compared
with it (--against): which classes became better or worse, and whether that may
be chance. PICTURES are those that sklift fit takes. If some can't be read, they
are left out and listed; the exit code is then 1."""

EXAMPLES = """\
  sklift report model.safetensors test_photos
  sklift report model.safetensors test_photos -o report.html --title "Station 7"
  sklift report second.safetensors test_photos --against report.html
  sklift report model.safetensors photos --labels test.csv --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("model", metavar="MODEL", help="file of sklift fit, or of save()")
    parser.add_argument("pictures", metavar="PICTURES", help="labelled pictures")
    parser.add_argument("-o", "--output", metavar="PAGE", help="file to write, .html")
    add_labels(parser)
    parser.add_argument(
        "--against", metavar="PAGE", help="page of an earlier report: what has changed since"
    )
    parser.add_argument("--title", metavar="TEXT", help="title of the page")
    parser.add_argument(
        "--mistakes", metavar="N", type=int, default=24, help="mistakes to show (default 24)"
    )
    parser.add_argument(
        "--many", metavar="N", type=float, default=100, help="many-shot: more than N (default 100)"
    )
    parser.add_argument(
        "--few", metavar="N", type=float, default=20, help="few-shot: less than N (default 20)"
    )
    parser.add_argument("--json", action="store_true", help="print the whole report as JSON")


def run(options: argparse.Namespace) -> int:
    """Score and report; return 1 if pictures could not be read."""
    output = None if options.output is None else check_output(options.output, endings=(".html",))
    from ..displays import Report

    earlier = None if options.against is None else Report.load(options.against)
    check_columns(options.pictures, options)
    pictures = with_labels(options.pictures, options, options.labels)
    from ..classifier import LiftClassifier
    from ..displays._fitted import names_of, reader_of
    from ..displays._report_model import described
    from ._model_file import load_model
    from ._scoring import score

    clf = load_model(options.model, (LiftClassifier,))
    model = described(clf)
    scored = score(clf, pictures)
    report = Report.from_predictions(
        reader_of(clf).build(scored.paths),  # what the model sees, of the pictures on the page
        scored.y_true,
        scored.y_pred,
        scored.y_proba,
        scored.counts,
        labels=clf.classes_,
        class_names=names_of(clf),
        model=model,
        unreadable=scored.unreadable,
        explain=clf.explain if hasattr(clf, "explain") else None,
        n_mistakes=options.mistakes,
        many=options.many,
        few=options.few,
        title=options.title or f"{options.model} on {options.pictures}",
        against=earlier,
    )
    print(to_json(report.to_dict()) if options.json else report)
    if output is not None:
        report.save(output)
        say(f"wrote {output}")
    tell_unreadable(scored.unreadable)
    return int(bool(scored.unreadable))
