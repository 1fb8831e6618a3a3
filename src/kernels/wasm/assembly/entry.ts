/**
 * @file What the compiled module exports: `run`, by which each thread does pieces of one call until none is left.
 *
 * The control block, in 32-bit words: 0 calls made, 1 next piece, 2 threads at work, 3 function, 4 pieces, 5 open,
 * 6 working memory, 7 bytes of it for each thread, 8 a thread failed, from 16 on the call's arguments.
 */

import {
  adamMoment,
  adamStep,
  adamVariance,
  adamWFlat,
  add,
  addRmsNorm,
  addRmsNormBack,
  crossEntropy,
  crossEntropyBack,
  dropout,
  rmsNorm,
  rmsNormBack,
  rmsNormWeight,
  rowsBack,
  squaresPartial,
  sumOfSquares,
  sumRows,
  swiglu,
  swigluGate,
  swigluStacked,
  swigluStackedBack,
  takeRows,
} from "./elementwise";
import {
  attention,
  attentionBack,
  cacheAttention,
  cacheFill,
  mergeHeads,
  mergeStacked,
  splitHeads,
  splitStacked,
} from "./heads";
import { loraBack, loraLinear, multiply, packedBack, packedLinear } from "./linear";
import { weightRows } from "./packed";

function work(fn: i32, args: usize, piece: i32, scratch: usize): void {
  switch (fn) {
    case 0:
      multiply(args, piece, scratch);
      break;
    case 1:
      loraLinear(args, piece, scratch);
      break;
    case 2:
      dropout(args, piece);
      break;
    case 3:
      rmsNorm(args, piece);
      break;
    case 4:
      rmsNormBack(args, piece);
      break;
    case 5:
      splitHeads(args, piece);
      break;
    case 6:
      mergeHeads(args, piece);
      break;
    case 7:
      attention(args, piece, scratch);
      break;
    case 8:
      attentionBack(args, piece, scratch);
      break;
    case 9:
      swiglu(args, piece);
      break;
    case 10:
      swigluGate(args, piece);
      break;
    case 11:
      takeRows(args, piece);
      break;
    case 12:
      rowsBack(args, piece);
      break;
    case 13:
      crossEntropy(args, piece);
      break;
    case 14:
      crossEntropyBack(args, piece);
      break;
    case 15:
      add(args, piece);
      break;
    case 16:
      adamMoment(args, piece);
      break;
    case 17:
      adamVariance(args, piece);
      break;
    case 18:
      adamStep(args, piece);
      break;
    case 19:
      sumOfSquares(args, piece);
      break;
    case 20:
      cacheFill(args, piece);
      break;
    case 21:
      cacheAttention(args, piece, scratch);
      break;
    case 22:
      loraBack(args, piece, scratch);
      break;
    case 23:
      addRmsNorm(args, piece);
      break;
    case 24:
      addRmsNormBack(args, piece);
      break;
    case 25:
      rmsNormWeight(args, piece);
      break;
    case 26:
      sumRows(args, piece);
      break;
    case 27:
      swigluStacked(args, piece);
      break;
    case 28:
      swigluStackedBack(args, piece);
      break;
    case 29:
      splitStacked(args, piece);
      break;
    case 30:
      mergeStacked(args, piece);
      break;
    case 31:
      squaresPartial(args, piece);
      break;
    case 32:
      adamWFlat(args, piece);
      break;
    case 33:
      packedLinear(args, piece, scratch);
      break;
    case 34:
      packedBack(args, piece, scratch);
      break;
    case 35:
      weightRows(args, piece);
      break;
    default:
      unreachable();
  }
}

export function run(control: usize, thread: i32): void {
  const fn = load<i32>(control, 12),
    pieces = load<i32>(control, 16);
  const scratch = load<usize>(control, 24) + <usize>thread * load<usize>(control, 28);
  for (;;) {
    const piece = atomic.add<i32>(control, 1, 4);
    if (piece >= pieces) return;
    work(fn, control + 64, piece, scratch);
  }
}
