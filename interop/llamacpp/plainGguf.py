"""A GGUF file with all its tensors dequantised to f32, in which llama.cpp has no reason to quantise activations."""

import gguf
from gguf import GGUFValueType as Type


def write_plain(source, target):
    """Answers the file's single values and its tensors, both by name."""
    reader = gguf.GGUFReader(source)
    fields = reader.fields
    writer = gguf.GGUFWriter(target, fields["general.architecture"].contents())
    for name, field in fields.items():
        if name.startswith("GGUF.") or name in ("general.architecture", "general.file_type"):
            continue
        kind, *inner = field.types
        writer.add_key_value(name, field.contents(), kind, sub_type=inner[-1] if kind == Type.ARRAY else None)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    tensors = {tensor.name: gguf.quants.dequantize(tensor.data, tensor.tensor_type) for tensor in reader.tensors}
    for name, values in tensors.items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return {name: field.contents() for name, field in fields.items() if len(field.data) == 1}, tensors
