"""LoAR (logic attention routing) for models of transformers, as the studio Anneal trains it.

    from transformers import AutoModelForCausalLM
    from anneal_loar import Loar

    model = AutoModelForCausalLM.from_pretrained(BASE, attn_implementation="eager")
    loar = Loar(model, ".")                 # the folder with loar.json and loar.safetensors
    loar.marks = logic_mask                 # [B, T], 1 where a token carries logic
    logits = model(input_ids).logits

Where LoRA was trained beside it, its folder is lora/: wrap the model first,

    model = PeftModel.from_pretrained(model, "lora")
    loar = Loar(model, ".")

In each layer, with h what attention is given, m the marks, and W, b and lambda trained:

    gate    g = 2 * sigmoid(h W^T + b), one a head; each head's output is multiplied by its gate
    soft    lambda_head * m_j is added to the score of key j
    hard    keys that are not marked are hidden from all tokens but their own
    literal attention is given h * m, and g = sigmoid(...)

`marks` may be shorter than the sequence, as while a model generates: tokens beyond them are marked by the vocabulary's
table in loar.safetensors. Where no marks are set, and in mode gate, only the gates work. Needs torch and safetensors;
attention must be eager, because only there scores can be added to.
"""

import json
import pathlib
import re

import torch
from safetensors.torch import load_file

MODES = ("soft", "hard", "literal", "gate")
LAYER = re.compile(r"(?:^|\.)(?:layers|h)\.(\d+)\.(?:self_attn|attn)$")


class Loar:
    """Hooks on every attention of a model; `remove()` takes them off again."""

    def __init__(self, model, folder):
        folder = pathlib.Path(folder)
        settings = json.loads((folder / "loar.json").read_text(encoding="utf-8"))
        if settings.get("version") != 1:
            raise ValueError(f"loar.json has version {settings.get('version')!r}; 1 is known")
        if settings.get("mode") not in MODES:
            raise ValueError(f"loar.json: mode is {settings.get('mode')!r}, not one of {', '.join(MODES)}")
        self.mode = settings["mode"]
        self.heads = settings["heads"]
        self.marks = None
        self._seen = None  # the marks of all tokens of this pass and of those in the cache
        self._generated = None  # the same, kept from pass to pass while a model generates
        self._past = 0
        self._gates = {}
        self._hooks = []
        parameter = next(model.parameters())
        tensors = load_file(folder / "loar.safetensors")
        self._table = tensors.pop("table").to(parameter.device)
        self._check_eager(model)
        attentions = [(int(found[1]), module) for name, module in model.named_modules() if (found := LAYER.search(name))]
        if sorted(layer for layer, _ in attentions) != list(range(settings["layers"])):
            raise ValueError(f"the model has {len(attentions)} attention layers, LoAR was trained on {settings['layers']}")
        for layer, attention in attentions:
            path = f"{settings['blocks']}.{layer}.loar"
            weights = {
                key: tensors.pop(f"{path}.{key}").to(parameter)
                for key in ("gate.weight", "gate.bias", *(("lambda",) if self.mode == "soft" else ()))
            }
            output = attention.o_proj if hasattr(attention, "o_proj") else attention.c_proj
            self._hooks += [
                attention.register_forward_pre_hook(self._before(layer, weights), with_kwargs=True),
                output.register_forward_pre_hook(self._gated(layer)),
            ]
        if tensors:
            raise ValueError(f"loar.safetensors holds {sorted(tensors)[0]}, which belongs to no layer")
        top = model.get_base_model() if hasattr(model, "get_base_model") else model
        self._hooks.append(top.register_forward_pre_hook(self._begin, with_kwargs=True))

    def remove(self):
        for hook in self._hooks:
            hook.remove()
        self._hooks = []

    def _check_eager(self, model):
        config = getattr(model, "config", None)
        way = getattr(config, "_attn_implementation", "eager")
        if self.mode in ("soft", "hard") and way not in ("eager", None):
            raise ValueError(f'attention is {way}: load the model with attn_implementation="eager"')

    def _begin(self, module, args, kwargs):
        """Lines the marks up with this pass's tokens, behind those that are in the cache."""
        self._seen = None
        if self.marks is None or self.mode == "gate":
            return
        ids = kwargs.get("input_ids", args[0] if args else None)
        if ids is None:
            raise ValueError("marks go with input_ids")
        cache = kwargs.get("past_key_values")
        past = cache.get_seq_length() if hasattr(cache, "get_seq_length") else 0
        marks = torch.as_tensor(self.marks, device=ids.device).to(self._table.dtype)
        if marks.ndim == 1:
            marks = marks[None].expand(ids.shape[0], -1)
        if marks.shape[0] != ids.shape[0]:
            raise ValueError(f"there are marks of {marks.shape[0]} rows and tokens of {ids.shape[0]}")
        if past == 0:
            self._generated = marks
        known = self._generated
        wanted = past + ids.shape[1]
        if known.shape[1] < wanted:
            fresh = ids[:, -(wanted - known.shape[1]):]
            if known.shape[1] < past:
                raise ValueError(f"there are marks of {known.shape[1]} tokens, and {past} are in the cache")
            known = torch.cat([known, self._table[fresh]], dim=1)
            self._generated = known
        self._seen, self._past = known[:, :wanted], past

    def _before(self, layer, weights):
        def hook(module, args, kwargs):
            hidden = kwargs["hidden_states"] if "hidden_states" in kwargs else args[0]
            if self._seen is not None and self.mode == "literal":
                marked = self._seen[:, self._past:, None] != 0
                hidden = torch.where(marked, hidden, torch.zeros_like(hidden))
            gate = torch.sigmoid(hidden @ weights["gate.weight"].T + weights["gate.bias"])
            self._gates[layer] = gate if self.mode == "literal" else 2 * gate
            if "hidden_states" in kwargs:
                kwargs = kwargs | {"hidden_states": hidden}
            else:
                args = (hidden, *args[1:])
            if self._seen is not None and self.mode in ("soft", "hard"):
                mask = kwargs.get("attention_mask")
                if mask is None:
                    raise ValueError('this attention has no mask to add to: load it with attn_implementation="eager"')
                kwargs = kwargs | {"attention_mask": self._mask(mask, weights)}
            return args, kwargs

        return hook

    def _mask(self, mask, weights):
        """What eager attention adds to its scores, [B, 1, T, S], with the marks' share: [B, H, T, S] where soft."""
        seen = self._seen[:, -mask.shape[-1]:]  # a window's cache holds the last tokens alone
        if self.mode == "soft":
            raised = weights["lambda"][None, :, None, None] * seen[:, None, None, :].to(mask.dtype)
            return mask + raised
        T, S = mask.shape[-2:]
        own = torch.arange(S, device=mask.device)[None, :] == torch.arange(S - T, S, device=mask.device)[:, None]
        shown = (seen[:, None, None, :] != 0) | own
        return torch.where(shown, mask, torch.full_like(mask, torch.finfo(mask.dtype).min))

    def _gated(self, layer):
        def hook(module, args):
            y, *rest = args
            gate = self._gates.pop(layer)
            return (y.unflatten(-1, (self.heads, -1)) * gate[..., None]).flatten(-2), *rest

        return hook
