"""Metrics of maps against NumPy and scikit-learn, with missing pixels, pooled in both ways."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from sklearn import metrics as sk
from torch import Tensor

from mtl_cli.basis.errors import Problem
from mtl_cli.metric import binary_maps, depth, normals, segmentation
from mtl_cli.metric.base import MapMetric
from mtl_cli.metric.measuring import update_each

CLASSES = 5
H, W = 7, 9

Maps = tuple[Tensor, Tensor]


def draw_segmentation(n: int, generator: torch.Generator) -> Maps:
    """Class 3 is in neither, class 4 in the predictions alone."""
    scores = torch.randn(n, CLASSES, H, W, generator=generator)
    scores[:, 3] -= 100
    return scores.softmax(1), torch.randint(-1, 3, (n, H, W), generator=generator)


def draw_depth(n: int, generator: torch.Generator) -> Maps:
    target = 0.5 + 9 * torch.rand(n, 1, H, W, generator=generator)
    prediction = target + torch.randn(n, 1, H, W, generator=generator)
    return prediction, target.where(torch.rand(target.shape, generator=generator) > 0.3, torch.nan)


def draw_normals(n: int, generator: torch.Generator) -> Maps:
    """Any one channel of three may be missing; predictions have any length."""
    target = torch.randn(n, 3, H, W, generator=generator)
    noise = torch.rand(n, 1, H, W, generator=generator)
    prediction = target + noise * torch.randn(n, 3, H, W, generator=generator)
    target = torch.nn.functional.normalize(target, dim=1)
    return prediction, target.where(torch.rand(target.shape, generator=generator) > 0.1, torch.nan)


def draw_edges(n: int, generator: torch.Generator) -> Maps:
    target = torch.randint(2, (n, 1, H, W), generator=generator).float()
    steps = torch.randint(129, (n, 1, H, W), generator=generator)
    prediction = (0.7 * steps + 38 * target).round().clamp(max=128) / 128
    return prediction, target.where(torch.rand(target.shape, generator=generator) > 0.3, torch.nan)


def classes(prediction: Tensor, target: Tensor) -> tuple[np.ndarray, np.ndarray]:
    keep = target >= 0
    return target[keep].numpy(), prediction.argmax(1)[keep].numpy()


def mean_iou(prediction: Tensor, target: Tensor) -> float:
    true, guess = classes(prediction, target)
    counts = sk.confusion_matrix(true, guess, labels=range(CLASSES))
    either = counts.sum(0) + counts.sum(1) - counts.diagonal()
    return (counts.diagonal()[either > 0] / either[either > 0]).mean()


def kept(prediction: Tensor, target: Tensor) -> tuple[np.ndarray, np.ndarray]:
    keep = ~target.isnan()
    return prediction[keep].double().numpy(), target[keep].double().numpy()


def relative_error(prediction: Tensor, target: Tensor) -> float:
    p, g = kept(prediction, target)
    return float(np.mean(np.abs(p - g) / g))


def angles(prediction: Tensor, target: Tensor) -> np.ndarray:
    p, g = (x.double().movedim(1, -1).numpy() for x in (prediction, target))
    p = p / np.linalg.norm(p, axis=-1, keepdims=True)
    angle = np.degrees(np.arccos(np.clip((p * g).sum(-1), -1, 1)))
    return angle[~np.isnan(angle)]


def best_f1(prediction: Tensor, target: Tensor) -> float:
    p, g = kept(prediction, target)
    precision, recall, thresholds = sk.precision_recall_curve(g, p)
    keep = thresholds > 0
    precision, recall = precision[:-1][keep], recall[:-1][keep]
    return np.max(2 * precision * recall / (precision + recall).clip(min=1e-12))


def average_precision(prediction: Tensor, target: Tensor) -> float:
    p, g = kept(prediction, target)
    return sk.average_precision_score(g, p)


# {name: (metric but for its pooling, examples, the reference, how near)}
METRICS = {
    "iou": (partial(segmentation.MeanIoU, CLASSES), draw_segmentation, mean_iou, 1e-6),
    "accuracy": (
        partial(segmentation.PixelAccuracy, CLASSES),
        draw_segmentation,
        lambda p, g: sk.accuracy_score(*classes(p, g)),
        1e-6,
    ),
    "absolute": (
        depth.AbsoluteError,
        draw_depth,
        lambda p, g: sk.mean_absolute_error(*kept(p, g)),
        1e-6,
    ),
    "relative": (depth.RelativeError, draw_depth, relative_error, 1e-6),
    "rmse": (
        depth.RMSE,
        draw_depth,
        lambda p, g: sk.root_mean_squared_error(*kept(p, g)),
        1e-6,
    ),
    "mean": (normals.MeanAngle, draw_normals, lambda p, g: angles(p, g).mean(), 1e-4),
    "median": (normals.MedianAngle, draw_normals, lambda p, g: np.median(angles(p, g)), 5.01e-3),
    **{
        f"within {degrees}": (
            partial(normals.ShareWithin, degrees),
            draw_normals,
            lambda p, g, degrees=degrees: (angles(p, g) < degrees).mean(),
            1e-6,
        )
        for degrees in (11.25, 22.5, 30)
    },
    "f1": (
        binary_maps.F1,
        draw_edges,
        lambda p, g: sk.f1_score(kept(p, g)[1], kept(p, g)[0] >= 0.5),
        1e-6,
    ),
    "best f1": (binary_maps.BestF1, draw_edges, best_f1, 1e-6),
    "average precision": (binary_maps.AveragePrecision, draw_edges, average_precision, 1e-6),
}


@pytest.fixture(params=METRICS)
def named(request: pytest.FixtureRequest):
    return METRICS[request.param]


def batches_of(draw, seed: int = 0) -> list[Maps]:
    generator = torch.Generator().manual_seed(seed)
    return [draw(n, generator) for n in (3, 1, 4)]


def joined(batches: list[Maps]) -> Maps:
    predictions, targets = zip(*batches, strict=True)
    return torch.cat(predictions), torch.cat(targets)


def nothing(draw) -> Maps:
    """A batch without a label."""
    prediction, target = draw(2, torch.Generator().manual_seed(1))
    return prediction, target.fill_(torch.nan if target.is_floating_point() else -1)


@pytest.mark.parametrize("seed", range(3))
def test_pixels_give_the_figure_of_the_whole_split(named, seed):
    make, draw, reference, near = named
    metric, batches = make("pixels"), batches_of(draw, seed)
    for prediction, target in [*batches, nothing(draw)]:
        metric.update(prediction, target)
    assert float(metric.compute()) == pytest.approx(reference(*joined(batches)), abs=near)


@pytest.mark.parametrize("seed", range(3))
def test_batches_give_the_mean_of_the_figures_of_those_that_have_any(named, seed):
    make, draw, reference, near = named
    metric, batches = make("batches"), batches_of(draw, seed)
    for prediction, target in [*batches, nothing(draw)]:
        metric.update(prediction, target)
    expected = np.mean([reference(*batch) for batch in batches])
    assert float(metric.compute()) == pytest.approx(expected, abs=near)


@pytest.mark.parametrize("pooling", ["pixels", "batches"])
def test_without_a_label_there_is_no_figure_and_a_reset_forgets(named, pooling, recwarn):
    make, draw, _, _ = named
    metric = make(pooling)
    metric.update(*batches_of(draw)[0])
    first = metric.compute()
    metric.reset()
    metric.update(*nothing(draw))
    assert math.isnan(metric.compute())
    metric.reset()
    metric.update(*batches_of(draw)[0])
    assert torch.equal(metric.compute(), first)
    assert not recwarn.list


@pytest.mark.parametrize("pooling", ["pixels", "batches"])
def test_an_update_waits_for_no_device(named, pooling):
    """It runs on tensors without numbers, where every look at one is an error."""
    make, draw, _, _ = named
    metric = make(pooling).to("meta")
    for prediction, target in batches_of(draw):
        metric.update(prediction.to("meta"), target.to("meta"))
    assert metric.compute().shape == ()


@pytest.mark.parametrize("pooling", ["pixels", "batches"])
def test_memory_does_not_grow_with_the_split(named, pooling):
    make, draw, _, _ = named
    metric = make(pooling)
    sizes = []
    for batch in batches_of(draw):
        metric.update(*batch)
        sizes.append([getattr(metric, name).shape for name in metric._defaults])
    assert sizes[0] == sizes[-1]


def test_metrics_say_which_way_is_better():
    lower = {"absolute", "relative", "rmse", "mean", "median"}
    found = {name for name, (make, *_) in METRICS.items() if not make("pixels").higher_is_better}
    assert found == lower


@pytest.mark.parametrize("pooling", ["pixels", "batches"])
@pytest.mark.parametrize("draw", [draw_segmentation, draw_depth, draw_normals, draw_edges])
def test_metrics_of_one_kind_measure_a_batch_once_and_say_the_same(draw, pooling, monkeypatch):
    own = [make for make, drawn, *_ in METRICS.values() if drawn is draw]
    together, alone = ([make(pooling) for make in own] for _ in range(2))
    kind = type(together[0]).__mro__[1]
    assert kind.__mro__[1] is MapMetric
    taken = []
    measure = kind.measure
    monkeypatch.setattr(kind, "measure", lambda *given: taken.append(1) or measure(*given))
    batches = batches_of(draw)
    for batch in batches:
        update_each(together, *batch)
    assert len(taken) == len(batches)
    for metric, other in zip(together, alone, strict=True):
        for batch in batches:
            other.update(*batch)
        assert torch.equal(metric.compute(), other.compute())


def test_metrics_with_other_options_measure_for_themselves():
    few, many = (segmentation.PixelAccuracy(n, "pixels") for n in (CLASSES, CLASSES + 1))
    update_each([few, many], *batches_of(draw_segmentation)[0])
    assert few.counts.shape == (CLASSES, CLASSES)
    assert torch.equal(many.counts[:CLASSES, :CLASSES], few.counts)


@pytest.mark.parametrize("degrees", [1e-4, 0.01, 1.0, 90.0, 179.99, 180.0])
def test_angles_are_right_near_both_ends_in_single_precision(degrees):
    angle = math.radians(degrees)
    target = torch.tensor([0.0, 0.0, 1.0]).view(1, 3, 1, 1)
    prediction = 7 * torch.tensor([math.sin(angle), 0.0, math.cos(angle)]).view(1, 3, 1, 1)
    for metric, near in (
        (normals.MeanAngle("pixels"), 3e-5),
        (normals.MedianAngle("pixels"), 6e-3),
    ):
        metric.update(prediction, target)
        assert float(metric.compute()) == pytest.approx(degrees, abs=near)


def test_a_prediction_of_length_0_is_at_a_right_angle():
    _, target = draw_normals(4, torch.Generator().manual_seed(0))
    metric = normals.MeanAngle("pixels")
    metric.update(torch.zeros_like(target), target)
    assert float(metric.compute()) == pytest.approx(90)


def test_edges_may_be_integers():
    prediction, target = batches_of(draw_edges)[0]
    of_floats, of_integers = binary_maps.F1("pixels"), binary_maps.F1("pixels")
    of_floats.update(prediction, target)
    of_integers.update(prediction, target.nan_to_num(nan=-1).long())
    assert torch.equal(of_floats.counts, of_integers.counts)


def test_half_precision_targets_are_compared_in_single():
    prediction, target = draw_normals(4, torch.Generator().manual_seed(0))
    metric, exact = normals.MeanAngle("pixels"), normals.MeanAngle("pixels")
    metric.update(target.half().nan_to_num(), target.half())
    assert float(metric.compute()) < 0.05
    exact.update(prediction, target)
    metric.reset()
    metric.update(prediction.half(), target.half())
    assert float(metric.compute()) == pytest.approx(float(exact.compute()), abs=0.02)


def test_a_prediction_that_is_no_number_is_no_missing_pixel():
    prediction, target = draw_normals(4, torch.Generator().manual_seed(0))
    prediction[:] = torch.nan
    found = [normals.MeanAngle("pixels"), normals.MedianAngle("pixels")]
    found += [normals.ShareWithin(30, "pixels"), depth.RMSE("pixels")]
    update_each(found[:3], prediction, target)
    found[3].update(prediction[:, :1], target[:, :1])
    mean, median, share, rmse = (float(metric.compute()) for metric in found)
    assert math.isnan(mean)
    assert math.isnan(rmse)
    assert (median, share) == (180, 0)


@pytest.mark.parametrize("pooling", ["images", None, 1])
def test_another_pooling_is_refused(named, pooling):
    with pytest.raises(Problem, match=r"(?s)pooling must be one of pixels, batches.*try: "):
        named[0](pooling)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (partial(normals.ShareWithin, "far"), "degrees must be a number from 0 to 180"),
        (partial(segmentation.MeanIoU, 0), "num_classes must be an integer of at least 1"),
    ],
)
def test_wrong_options_are_refused(make, told):
    with pytest.raises(Problem, match=told):
        make("pixels")
