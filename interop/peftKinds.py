"""Adapters of every kind that PEFT and the studio share, on three tiny random bases: what the tests and the goldens
that need no Python are made of."""

import torch
import transformers as hf
from peft import IA3Config, LoraConfig, PrefixTuningConfig, PromptTuningConfig, get_peft_model
from peft.optimizers import create_loraplus_optimizer

SHARED = dict(
    vocab_size=61, hidden_size=18, intermediate_size=26, num_hidden_layers=2, num_attention_heads=3,
    num_key_value_heads=1, max_position_embeddings=64, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2,
)
BASES = {
    "llama": (hf.LlamaForCausalLM, hf.LlamaConfig, SHARED | dict(tie_word_embeddings=True)),
    "qwen2": (hf.Qwen2ForCausalLM, hf.Qwen2Config, SHARED | dict(
        hidden_size=24, num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=False)),
    "gpt2": (hf.GPT2LMHeadModel, hf.GPT2Config, dict(
        n_embd=18, n_layer=2, n_head=3, n_positions=64, vocab_size=61, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        bos_token_id=1, eos_token_id=2)),
}
LINEARS = {
    "llama": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
    "gpt2": ["c_attn", "attn.c_proj", "c_fc", "mlp.c_proj"],
}
LINEARS["qwen2"] = LINEARS["llama"]
KINDS = ["lora", "rslora", "dora", "patterns", "loraplus", "ia3", "prefix", "prompt"]
PLUS_RATIO = 8.0


def new_config(kind, base):
    linears = LINEARS[base]
    task = dict(task_type="CAUSAL_LM")
    conv = dict(fan_in_fan_out=base == "gpt2")
    first, last = linears[0], linears[-1]
    if kind in ("lora", "loraplus"):
        return LoraConfig(r=3, lora_alpha=5, target_modules=linears, **conv, **task)
    if kind == "rslora":
        return LoraConfig(r=4, lora_alpha=3, use_rslora=True, target_modules=linears[1:], **conv, **task)
    if kind == "dora":
        return LoraConfig(r=2, lora_alpha=4, use_dora=True, target_modules=linears, **conv, **task)
    if kind == "patterns":
        return LoraConfig(r=3, lora_alpha=5, target_modules=linears, rank_pattern={first: 2, last: 5},
                          alpha_pattern={last: 1.5}, use_rslora=True, **conv, **task)
    if kind == "ia3":
        return IA3Config(target_modules=[*linears[:-1], last], feedforward_modules=[last], **conv, **task)
    if kind == "prefix":
        return PrefixTuningConfig(num_virtual_tokens=5, **task)
    return PromptTuningConfig(num_virtual_tokens=4, **task)


def new_base(name, seed=1, scale=0.3):
    cls, config, settings = BASES[name]
    torch.manual_seed(seed)
    model = cls(config(**settings))
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            is_norm = parameter.ndim == 1 and ("norm" in key or "ln_" in key) and key.endswith("weight")
            parameter.copy_(torch.randn_like(parameter) * scale + (1.0 if is_norm else 0.0))
    return model.eval()


def new_adapter(model, kind, base, seed=2):
    """With trained numbers that do something, none of them what an adapter begins with."""
    peft = get_peft_model(model, new_config(kind, base))
    torch.manual_seed(seed)
    with torch.no_grad():
        for key, parameter in peft.named_parameters():
            if not parameter.requires_grad:
                continue
            noise = 0.2 * torch.randn_like(parameter)
            parameter.copy_(parameter + noise if "magnitude" in key or "ia3" in key else noise * 2)
    return peft.eval()


def logits_of(model, tokens):
    with torch.no_grad():
        logits = model(torch.tensor([tokens])).logits[0].float()
    return logits[-len(tokens):]  # a soft prompt's own places come first


def relative_error(a, b):
    error = ((a - b).norm() / b.norm()).item()
    return error if error == error else float("inf")


def new_rows(steps=20, rows=3, length=10, vocabulary=61, seed=5):
    """Rows that count up by one or two from anywhere: something to learn."""
    generator = torch.Generator().manual_seed(seed)
    starts = torch.randint(vocabulary, (steps, rows, 1), generator=generator)
    strides = torch.randint(1, 3, (steps, rows, 1), generator=generator)
    return ((starts + strides * torch.arange(length)) % vocabulary).tolist()


def train(peft, kind, rows, learning_rate):
    """The loss before each step of AdamW."""
    peft.train()
    settings = dict(betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
    if kind == "loraplus":
        optimizer = create_loraplus_optimizer(peft, torch.optim.AdamW, lr=learning_rate,
                                              loraplus_lr_ratio=PLUS_RATIO, loraplus_weight_decay=0.01,
                                              betas=(0.9, 0.999), eps=1e-8)
        for group in optimizer.param_groups:
            group["weight_decay"] = 0.01
    else:
        trained = [parameter for parameter in peft.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(trained, lr=learning_rate, **settings)
    losses = []
    for batch in rows:
        tokens = torch.tensor(batch)
        labels = tokens.clone()
        labels[:, 0] = -100  # a soft prompt would be asked for it
        loss = peft(input_ids=tokens, labels=labels, attention_mask=torch.ones_like(tokens)).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for p in peft.parameters() if p.requires_grad], 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses
