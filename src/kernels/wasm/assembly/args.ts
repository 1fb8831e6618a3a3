/** @file The arguments of a call: 32-bit words, addresses first. */

// @ts-ignore: decorator
@inline
export function word(args: usize, i: usize): i32 {
  return load<i32>(args + (i << 2));
}

// @ts-ignore: decorator
@inline
export function address(args: usize, i: usize): usize {
  return load<usize>(args + (i << 2));
}

// @ts-ignore: decorator
@inline
export function number(args: usize, i: usize): f32 {
  return load<f32>(args + (i << 2));
}
