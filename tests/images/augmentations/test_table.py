from __future__ import annotations

import pytest

from sklift import LiftClassifier
from sklift.images import AUGMENTATIONS, MinimalistCrop, MixUp, ResizedCrop, resolve_augmentation
from sklift.images._augmentations import mixing_of, views_of


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_names_are_recipes(name):
    assert type(resolve_augmentation(name)) is AUGMENTATIONS[name]


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ("minimal-", ValueError, "Unknown augmentation 'minimal-'.*Did you mean 'minimal'"),
        ("convex", ValueError, "choose one of .*'lift'"),
        (3, TypeError, "augmentation must be one of .* an object with a 'view' method; got 3"),
        (True, TypeError, "got True"),
        (MixUp, TypeError, r"pass MixUp\(\), not MixUp"),
    ],
)
def test_what_is_no_augmentation(value, error, message):
    with pytest.raises(error, match=message):
        resolve_augmentation(value)


def test_a_mixture_has_views_of_its_own():
    recipe = MixUp(alpha=0.2, views="lift")
    assert mixing_of(recipe).alpha == 0.2 and isinstance(views_of(recipe), ResizedCrop)
    assert views_of(MixUp(views=None)) is None
    assert mixing_of("lift") is mixing_of(None) is None


def test_a_mixture_of_ones_own_need_not_say_which_views():
    class Halves:
        def mix(self, first, second, rng):
            return first // 2 + second // 2, 0.5

    assert isinstance(views_of(Halves()), MinimalistCrop)


def test_settings_reach_into_names_inside_of_names():
    clf = LiftClassifier(augmentation="mixup")
    clf.set_params(augmentation__alpha=0.2, augmentation__views__schedule="linear")
    assert repr(clf.augmentation) == "MixUp(alpha=0.2, views=MinimalistCrop(schedule='linear'))"
    assert clf.get_params()["augmentation__views__schedule"] == "linear"
    with pytest.raises(ValueError, match=r"augmentation=None has no settings"):
        LiftClassifier(augmentation=None).set_params(augmentation__alpha=1)
    with pytest.raises(ValueError, match=r"views=None has no settings, got \['views__flip'\]"):
        MixUp(views=None).set_params(views__flip=0.0)
