"""Losses and gradients as TRL computes them, for tests that need no Python: src/objectives/golden/objectives.json.

Run with Python 3.11, torch 2.13, transformers 5.18 and trl 1.13:  python interop/objectiveGoldens.py
TRL's own methods run on a trainer that is nothing but its settings, in double precision, with the log-probabilities
given instead of computed by a model; gradients are autograd's. What TRL 1.13 has no code for (PPO, which left it after
0.29; triplets; several dimensions) is written here in torch from its formula.
"""

import inspect
import json
import pathlib
import textwrap
from collections import defaultdict
from types import SimpleNamespace
from unittest import mock

import torch
import torch.nn.functional as F
from trl.trainer import dpo_trainer, grpo_trainer, kto_trainer, reward_trainer
from trl.trainer.utils import nanstd

FILE = pathlib.Path(__file__).resolve().parents[1] / "src" / "objectives" / "golden" / "objectives.json"

ONE_PROCESS = SimpleNamespace(
    num_processes=1, device="cpu", sync_gradients=True,
    gather=lambda x: x, gather_for_metrics=lambda x: x, reduce=lambda x, reduction: x,
)


class Chance:
    """Random numbers of few digits, so that the goldens stay small and both sides begin with the same."""

    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape, scale=1.0, shift=0.0):
        numbers = torch.randn(*shape, generator=self.generator, dtype=torch.float64) * scale + shift
        return (numbers * 1e4).round() / 1e4

    def lengths(self, count, most=9):
        return torch.randint(1, most + 1, (count,), generator=self.generator).tolist()


def trainer(**settings):
    fixed = dict(accelerator=ONE_PROCESS, model=SimpleNamespace(training=True), aux_loss_enabled=False,
                 _metrics=defaultdict(lambda: defaultdict(list)), _total_train_tokens=0, _tp_size=1)
    return SimpleNamespace(**{**fixed, **settings})


def logged(stub, *names):
    metrics = stub._metrics["train"]
    return {name: sum(metrics[name]) / len(metrics[name]) for name in names if metrics[name]}


def case(kind, name, given, **expected):
    def plain(value):
        if isinstance(value, torch.Tensor):
            value = value.detach().tolist()
        if isinstance(value, float):
            return None if value != value else float(f"{value:.10g}")
        if isinstance(value, (list, tuple)):
            return [plain(each) for each in value]
        return {key: plain(each) for key, each in value.items()} if isinstance(value, dict) else value

    return {"kind": kind, "name": name, "input": plain(given), "expected": plain(expected)}


def mask_of(lengths):
    return (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()


def bounds_of(lengths):
    return [0, *torch.tensor(lengths).cumsum(0).tolist()]


def padded(flat, lengths):
    """[M] -> [B, T], and the way back for its gradient is autograd's."""
    whole = torch.zeros(len(lengths), max(lengths), dtype=flat.dtype)
    return whole.masked_scatter(mask_of(lengths).bool(), flat)


def policy(chance, loss, beta, has_old, high, accumulation=2):
    """The first of `accumulation` micro-batches alike in size, through GRPOTrainer._compute_loss."""
    lengths = chance.lengths(6)
    M, longest = sum(lengths), 11
    lp = chance.normal(M, scale=0.8, shift=-1.5).requires_grad_()
    old = lp.detach() + chance.normal(M, scale=0.3) if has_old else None
    reference = lp.detach() + chance.normal(M, scale=0.5)
    advantages = chance.normal(len(lengths))
    stub = trainer(
        _get_per_token_logps_and_entropies=lambda *a, **k: (padded(lp, lengths), torch.zeros(mask_of(lengths).shape), None),
        top_entropy_quantile=1.0, off_policy_mask_threshold=None, importance_sampling_level="token", beta=beta,
        args=SimpleNamespace(use_bias_correction_kl=False, delta=None, steps_per_generation=accumulation),
        loss_type=loss, epsilon_low=0.2, epsilon_high=high, use_vllm=False, vllm_importance_sampling_correction=False,
        current_gradient_accumulation_steps=accumulation, max_completion_length=longest, _entropy_bonus_enabled=False,
    )
    ids = torch.zeros(mask_of(lengths).shape, dtype=torch.long)
    window = {"sequences": len(lengths) * accumulation, "tokens": M + 29, "maxLength": longest}
    inputs = {
        "prompt_ids": ids[:, :1], "prompt_mask": ids[:, :1] + 1, "completion_ids": ids,
        "completion_mask": mask_of(lengths), "advantages": advantages, "num_items_in_batch": torch.tensor(M + 29),
        "old_per_token_logps": None if old is None else padded(old, lengths),
        "ref_per_token_logps": padded(reference, lengths),
    }
    value = grpo_trainer.GRPOTrainer._compute_loss(stub, stub.model, inputs)
    value.backward()
    spread = torch.repeat_interleave(advantages, torch.tensor(lengths))
    batch = {"bounds": bounds_of(lengths), "logProbabilities": lp, "old": old, "advantages": spread,
             "reference": reference if beta else None}
    settings = {"loss": loss, "clipLow": 0.2, "clipHigh": high, "beta": beta}
    names = ["kl"] * (beta != 0) + [f"clip_ratio/{name}" for name in ["low_mean", "low_min", "high_mean", "high_max", "region_mean"]]
    return case("policy", f"{loss}, β {beta}, {'old' if has_old else 'own'} ratio", {"batch": batch, "settings": settings, "window": window},
                loss=value, gradient=lp.grad, **logged(stub, *names))


# From the sum of the rewards to the advantages, the lines of TRL's own method: it has no function of them.
_method = textwrap.dedent(inspect.getsource(grpo_trainer.GRPOTrainer._generate_and_score_completions))
_from, _to = "unscorable_mask =", "advantages = torch.nan_to_num(advantages, nan=0.0)"
_lines = _method[_method.index("    " + _from): _method.index(_to) + len(_to)]


def groups(chance, scale, sizes=4, count=5):
    """Three rewards of which some do not apply; a group without spread, an answer and a group that nothing applies to."""
    rewards = chance.normal(sizes * count, 3)
    rewards[1, 0] = rewards[2, 1] = rewards[3] = rewards[4:8, 2] = torch.nan
    rewards[8:12] = torch.tensor([1.0, 0.1, -0.3], dtype=torch.float64)
    rewards[12:16] = torch.nan
    weights = torch.tensor([1.0, 0.5, -0.25], dtype=torch.float64)
    stub = trainer(multi_objective_aggregation="sum_then_normalize", reward_weights=weights, scale_rewards=scale)
    given = {"columns": rewards.T.contiguous(), "weights": weights, "groups": [sizes * i for i in range(count + 1)], "scale": scale}
    space = {"torch": torch, "nanstd": nanstd, "self": stub, "rewards_per_func": rewards, "num_generations": sizes, "device": "cpu"}
    exec(textwrap.dedent(_lines), space)
    sums, flat = space["rewards"], space["is_std_zero"].double().mean().item()
    figures = {"reward": sums.nanmean(), "reward_std": nanstd(sums)}
    for k in range(3):
        figures |= {f"rewards/{k}/mean": rewards[:, k].nanmean(), f"rewards/{k}/std": nanstd(rewards[:, k])}
    # A group that nothing applies to has a spread of NaN in TRL, and is not counted; it teaches as little as one of 0.
    if scale != "batch":
        figures["frac_reward_zero_std"] = flat + 1 / count
    return case("groups", f"{scale} scaling", given, advantages=space["advantages"], **figures)


def ppo(chance, is_weighted):
    lengths = chance.lengths(5)
    M = sum(lengths)
    lp, values = (chance.normal(M, scale=0.8, shift=shift).requires_grad_() for shift in (-1.5, 0.3))
    entropies = chance.normal(M).abs().requires_grad_()
    old, old_values = lp.detach() + chance.normal(M, scale=0.3), values.detach() + chance.normal(M, scale=0.3)
    advantages, returns = chance.normal(M), chance.normal(M)
    weights = chance.normal(M).abs() if is_weighted else torch.ones(M, dtype=torch.float64)
    clip, value_clip, value_weight, entropy_weight = 0.2, 0.25, 0.4, 0.03
    ratio = (lp - old).exp()
    policies = torch.max(-advantages * ratio, -advantages * ratio.clamp(1 - clip, 1 + clip))
    near = torch.clamp(values, old_values - value_clip, old_values + value_clip)
    plain_squares, near_squares = (values - returns) ** 2, (near - returns) ** 2
    squares = 0.5 * torch.max(plain_squares, near_squares)
    loss = (weights * (policies + value_weight * squares - entropy_weight * entropies)).mean()
    loss.backward()
    batch = {"bounds": bounds_of(lengths), "logProbabilities": lp, "old": old, "advantages": advantages, "values": values,
             "oldValues": old_values, "returns": returns, "entropies": entropies, "weights": weights if is_weighted else None}
    settings = {"clip": clip, "valueClip": value_clip, "valueWeight": value_weight, "entropyWeight": entropy_weight}
    return case(
        "ppo", f"clipped losses{', weighted' if is_weighted else ''}", {"batch": batch, "settings": settings}, loss=loss,
        logProbabilities=lp.grad, values=values.grad, entropies=entropies.grad, variance=1 - (returns - old_values).var() / returns.var(),
        **{"loss/policy": (weights * policies).mean(), "loss/value": squares.mean(), "entropy": entropies.mean(),
           "policy/approx_kl": 0.5 * ((lp - old) ** 2).mean(), "value/clip_ratio": (near_squares > plain_squares).double().mean(),
           "clip_ratio/region_mean": (policies != -advantages * ratio).double().mean()})


def gae(chance, gamma, lam):
    """Padded and walked back over columns, as TRL 0.29's PPOTrainer does it; whitened over what is not padding."""
    lengths = chance.lengths(5)
    M, mask = sum(lengths), mask_of(lengths).bool()
    lp, values, scores = chance.normal(M, shift=-1.5), chance.normal(M), chance.normal(len(lengths))
    reference = lp + chance.normal(M, scale=0.3)
    coefficient = 0.07
    rewards = -coefficient * padded(lp - reference, lengths)
    rewards[torch.arange(len(lengths)), torch.tensor(lengths) - 1] += scores
    wide, last, columns = padded(values, lengths), 0, []
    for t in reversed(range(max(lengths))):
        following = wide[:, t + 1] if t + 1 < max(lengths) else 0.0
        last = (rewards[:, t] + gamma * following - wide[:, t]) + gamma * lam * last
        columns.append(last)
    advantages = torch.stack(columns[::-1], dim=1)[mask]
    whiten = lambda x: (x - x.mean()) * torch.rsqrt(x.var() + 1e-8)
    given = {"logProbabilities": lp, "reference": reference, "values": values, "scores": scores, "bounds": bounds_of(lengths),
             "coefficient": coefficient, "gamma": gamma, "lambda": lam}
    ratio = reference - lp
    return case("gae", f"γ {gamma}, λ {lam}", given, rewards=rewards[mask], advantages=advantages, returns=advantages + values,
                k2=ratio**2 / 2, k3=ratio.exp() - 1 - ratio, white=whiten(advantages), shifted=whiten(rewards[mask]) + rewards[mask].mean())


def controller(kl):
    given = {"coefficient": 0.2, "kl": kl, "answers": 256, "target": 6.0, "horizon": 10000}
    error = min(max(kl / 6.0 - 1, -0.2), 0.2)
    return case("controller", f"KL {kl}", given, coefficient=0.2 * (1 + error * 256 / 10000))


def through(log_probabilities, module):
    """TRL reads log-probabilities off a model's logits: here they are given, after the first token, which is a prompt's."""
    return mock.patch.object(module, "selective_log_softmax", lambda logits, labels: log_probabilities.clone())


def sequence_inputs(lengths):
    mask = torch.cat([torch.zeros(len(lengths), 1, dtype=torch.long), mask_of(lengths)], dim=1)
    ids = torch.zeros(mask.shape, dtype=torch.long)
    model = lambda **inputs: SimpleNamespace(logits=torch.zeros(*mask.shape, 3, dtype=torch.float64))
    return model, {"input_ids": ids, "attention_mask": torch.ones_like(ids), "completion_mask": mask}


def preference(chance, loss, smoothing=0.0, N=5):
    """Through DPOTrainer._compute_loss. Label smoothing is in its `aot`, which for one pair at a time is plain DPO."""
    lengths = chance.lengths(2 * N)  # chosen and rejected in turn, as ours are
    lp, reference = chance.normal(sum(lengths), shift=-1.5).requires_grad_(), chance.normal(2 * N, scale=3)
    beta, total, metrics = 0.3, 0.0, defaultdict(list)
    sums = torch.zeros(2 * N, dtype=torch.float64).index_add(0, torch.repeat_interleave(torch.arange(2 * N), torch.tensor(lengths)), lp)
    reference = reference + sums.detach()
    batches = [[n] for n in range(N)] if smoothing else [list(range(N))]
    bounds = bounds_of(lengths)
    for pairs in batches:
        order = [2 * n for n in pairs] + [2 * n + 1 for n in pairs]
        some = [lengths[i] for i in order]
        model, inputs = sequence_inputs(some)
        stub = trainer(ld_alpha=None, precompute_ref_logps=True, f_divergence_type="reverse_kl", beta=beta, use_weighting=False,
                       loss_types=["aot" if smoothing else loss], loss_weights=[1.0], label_smoothing=smoothing,
                       model=mock.Mock(training=True, side_effect=model))
        of = [reference[i] for i in order]
        inputs |= {"ref_chosen_logps": torch.stack(of[: len(pairs)]), "ref_rejected_logps": torch.stack(of[len(pairs):])}
        flat = torch.cat([lp[bounds[i]: bounds[i + 1]] for i in order])
        with through(padded(flat, some), dpo_trainer):
            total = total + dpo_trainer.DPOTrainer._compute_loss(stub, model, inputs, False) * len(pairs) / N
        for name, values in stub._metrics["train"].items():
            metrics[name] += [sum(values) / len(values) * len(pairs) / N]
    total.backward()
    # By each answer's sum: the gradient of its first token, which all of its tokens share.
    gradient = lp.grad[torch.tensor(bounds[:-1])]
    names = ["rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies", "logps/chosen", "logps/rejected"]
    given = {"batch": {"logProbabilities": sums, "reference": reference, "lengths": lengths},
             "settings": {"loss": loss, "beta": beta, "labelSmoothing": smoothing}}
    return case("preference", f"{loss}{f', smoothing {smoothing}' if smoothing else ''}", given, loss=total, gradient=gradient,
                **{name: sum(metrics[name]) for name in names})


def kto(chance, loss, labels, shift):
    lengths = chance.lengths(len(labels))
    bounds = bounds_of(lengths)
    lp = chance.normal(sum(lengths), shift=-1.5).requires_grad_()
    sums = torch.stack([lp[a:b].sum() for a, b in zip(bounds, bounds[1:])])
    reference = sums.detach() + chance.normal(len(labels), scale=3)
    other = chance.normal(len(labels), scale=2, shift=-8)
    other_reference = other + chance.normal(len(labels)) - shift
    model, inputs = sequence_inputs(lengths)
    stub = trainer(_compute_kl_logps=lambda model, batch: other, precompute_ref_logps=True, calculate_KL=loss == "kto", beta=0.2,
                   loss_type=loss, desirable_weight=1.3, undesirable_weight=0.7)
    inputs |= {"label": torch.tensor(labels), "ref_logps": reference, "ref_KL_logps": other_reference}
    with through(padded(lp, lengths), kto_trainer):
        value = kto_trainer.KTOTrainer._compute_loss(stub, model, inputs, False)
    value.backward()
    batch = {"logProbabilities": sums, "reference": reference, "isDesirable": labels}
    settings = {"loss": loss, "beta": 0.2, "desirableWeight": 1.3, "undesirableWeight": 0.7}
    kl = stub._metrics["train"]["kl"][0]
    given = {"batch": batch, "mismatched": {"logProbabilities": other, "reference": other_reference}, "settings": settings}
    names = [f"{what}/{which}" for what in ["rewards", "logps"] for which in ["chosen", "rejected"]] + ["rewards/margins"]
    return case("kto", f"{loss}, {sum(labels)} of {len(labels)} desirable, KL {kl:.2f}", given, loss=value,
                gradient=lp.grad[torch.tensor(bounds[:-1])], **({"divergence": kl} if loss == "kto" else {}), **logged(stub, *names))


def bradley_terry(chance, margin, centre, N=6):
    """Through RewardTrainer.compute_loss."""
    scores = chance.normal(2 * N, scale=2).requires_grad_()
    order = torch.cat([torch.arange(0, 2 * N, 2), torch.arange(1, 2 * N, 2)])
    stub = trainer(args=SimpleNamespace(center_rewards_coefficient=centre or None))
    inputs = {"attention_mask": torch.ones(2 * N, 1), **({"margin": torch.full((N,), margin, dtype=torch.float64)} if margin else {})}
    model = lambda **_: SimpleNamespace(logits=scores[order][:, None])
    value = reward_trainer.RewardTrainer.compute_loss(stub, model, inputs)
    value.backward()
    metrics = logged(stub, "accuracy", "margin")
    given = {"pairs": {"scores": scores, "judged": [None] * N},
             "settings": {"loss": "bradley-terry", "margin": margin, "centre": centre, "weights": [1.0]}}
    return case("rewardModel", f"bradley-terry, margin {margin}, centred {centre}", given, loss=value, gradient=scores.grad,
                **{"rewards/accuracies": metrics["accuracy"], "rewards/margins": metrics["margin"]})


def dimensions(chance, loss, N=7):
    weights = torch.tensor([1.0, 0.5, -0.4], dtype=torch.float64)
    judged = [0, None, 1, 0, None, 0, 1]
    scores = chance.normal(2 * N, 3, scale=1.5).requires_grad_()
    margin, centre = 0.6, 0.02
    rows = torch.stack([weights if d is None else torch.eye(3, dtype=torch.float64)[d] for d in judged])
    chosen, rejected = (scores[0::2] * rows).sum(1), (scores[1::2] * rows).sum(1)
    ahead = chosen - rejected - margin
    each = -F.logsigmoid(ahead) if loss == "bradley-terry" else F.relu(-ahead)
    value = (each + centre * (chosen + rejected) ** 2).mean()
    value.backward()
    right = (chosen > rejected).double()
    on = lambda d: torch.tensor([j == d for j in judged])
    given = {"pairs": {"scores": scores.flatten(), "judged": judged},
             "settings": {"loss": loss, "margin": margin, "centre": centre, "weights": weights}}
    return case("rewardModel", f"{loss}, three dimensions", given, loss=value, gradient=scores.grad.flatten(),
                **{"rewards/accuracies": right.mean(), "rewards/a/accuracy": right[on(0)].mean(), "rewards/b/accuracy": right[on(1)].mean(),
                   "rewards/a/margin": (chosen - rejected)[on(0)].mean(), "rewards/margins": (chosen - rejected).mean()})


def cases(seed):
    chance = Chance(seed)
    for loss in ["grpo", "bnpo", "dr_grpo", "dapo"]:
        for beta, has_old, high in [(0.0, False, 0.2), (0.0, True, 0.28), (0.04, True, 0.2)]:
            yield policy(chance, loss, beta, has_old, high)
    for scale in ["group", "batch", "none"]:
        yield groups(chance, scale)
    yield ppo(chance, False)
    yield ppo(chance, True)
    for gamma, lam in [(1.0, 0.95), (0.97, 0.8), (0.9, 0.0)]:
        yield gae(chance, gamma, lam)
    for kl in [0.0, 5.5, 6.6, 60.0]:
        yield controller(kl)
    for loss in ["sigmoid", "ipo", "hinge"]:
        yield preference(chance, loss)
    yield preference(chance, "sigmoid", 0.15)
    mixed = [True, False, False, True, True]
    for labels, shift in [(mixed, 1), (mixed, -3), ([True] * 3, 1), ([False] * 3, 1)]:
        yield kto(chance, "kto", labels, shift)
    yield kto(chance, "apo_zero_unpaired", mixed, 1)
    for margin, centre in [(0.0, 0.0), (0.5, 0.0), (0.0, 0.01)]:
        yield bradley_terry(chance, margin, centre)
    for loss in ["bradley-terry", "triplet"]:
        yield dimensions(chance, loss)


def main(file=FILE):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("[\n" + ",\n".join(json.dumps(each, ensure_ascii=False, separators=(",", ":")) for each in cases(1)) + "\n]\n")


if __name__ == "__main__":
    main()
