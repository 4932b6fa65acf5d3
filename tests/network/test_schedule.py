"""diffusers' schedulers compute Eq. 2 and Eq. 3 with the authors' timesteps."""

import pytest
import torch

from gooddrag.network.schedule import Schedule

BETAS = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
ALPHAS = torch.cumprod(1 - BETAS, 0)


def alpha(t: int) -> torch.Tensor:
    """The cumulative product at t; before the first step the authors keep the first value."""
    return ALPHAS[max(t, 0)]


def test_timesteps_are_the_papers():
    assert Schedule().timesteps == tuple(range(741, 0, -20))
    assert len(Schedule().timesteps) == 38
    assert Schedule(50, 1.0).timesteps[0] == 981


@pytest.mark.parametrize("t", [981, 741, 401, 21, 1])
def test_denoising_is_equation_2(t):
    z, eps = torch.randn(2, 1, 4, 8, 8, dtype=torch.float64)
    before = alpha(t - 20)
    expected = before.sqrt() * (z - (1 - alpha(t)).sqrt() * eps) / alpha(t).sqrt() + (1 - before).sqrt() * eps
    assert torch.allclose(Schedule().denoise(eps, t, z)[0], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("t", [981, 741, 401, 21, 1])
def test_inversion_is_equation_3(t):
    z, eps = torch.randn(2, 1, 4, 8, 8, dtype=torch.float64)
    a, before = alpha(t), alpha(t - 20)
    expected = a.sqrt() * ((1 / a - 1).sqrt() - (1 / before - 1).sqrt()) * eps + (a / before).sqrt() * z
    assert torch.allclose(Schedule().invert(eps, t, z), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
def test_inversion_undoes_denoising_for_a_constant_prediction(prediction_type):
    schedule = Schedule(prediction_type=prediction_type)
    z0, noise = torch.randn(2, 1, 4, 8, 8, dtype=torch.float64)

    def predict(z, t):
        # what a perfect model of the single picture z0 would say
        a = alpha(t)
        eps = (z - a.sqrt() * z0) / (1 - a).sqrt()
        return eps if prediction_type == "epsilon" else a.sqrt() * eps - (1 - a).sqrt() * z0

    z = schedule.noised(z0, noise, torch.tensor([741]))
    for t in schedule.timesteps:
        z, preview = schedule.denoise(predict(z, t), t, z)
        assert torch.allclose(preview, z0, atol=1e-3)
    assert (z - z0).abs().max() < 0.1  # alpha at the end is 0.99915, not 1


def test_target_of_v_prediction():
    schedule, t = Schedule(prediction_type="v_prediction"), torch.tensor([300])
    z, noise = torch.randn(2, 1, 4, 8, 8, dtype=torch.float64)
    assert torch.allclose(
        schedule.target(z, noise, t), alpha(300).sqrt() * noise - (1 - alpha(300)).sqrt() * z, atol=1e-5
    )
    assert Schedule().target(z, noise, t) is noise
