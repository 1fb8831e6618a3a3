/**
 * @file What the compiled module exports: `run`, by which each thread does pieces of one call until none is left.
 *
 * The control block, in 32-bit words: 0 calls made, 1 next piece, 2 threads at work, 3 function, 4 pieces, 5 open,
 * 6 working memory, 7 bytes of it for each thread, 8 a thread failed, from 16 on the call's arguments.
 */

import { geglu, gegluBack, gelu, geluBack, relu, reluBack, swiglu, swigluBack } from "./activation";
import { adamWFlat, squaresPartial } from "./adamW";
import { adaptedNorms, rowSquares } from "./adaptedNorms";
import { columnProducts, headGate, headGateBack, maskRows, scaleColumns, scaleParts } from "./adapters";
import { cacheAttention, cacheFill, markedCacheAttention } from "./cache";
import { add, addBias, dropout, rowsBack, scale, sumRows, sumRowsPartial, takeRows } from "./elementwise";
import { attention, attentionBack, markedAttention, markedAttentionBack, mergeStacked, splitStacked } from "./heads";
import { layerNorm, layerNormBack, layerNormWeight } from "./layerNorm";
import { loraBack, loraLinear, multiply, packedBack, packedLinear } from "./linear";
import { crossEntropy, crossEntropyBack, entropy, entropyBack } from "./loss";
import {
  addRmsNorm,
  addRmsNormBack,
  headNorm,
  headNormBack,
  headNormWeight,
  rmsNorm,
  rmsNormBack,
  rmsNormWeight,
} from "./norms";
import { weightRows } from "./packed";
import { softcap, softcapBack } from "./softcap";

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
      attention(args, piece, scratch);
      break;
    case 6:
      attentionBack(args, piece, scratch);
      break;
    case 7:
      takeRows(args, piece);
      break;
    case 8:
      rowsBack(args, piece);
      break;
    case 9:
      crossEntropy(args, piece);
      break;
    case 10:
      crossEntropyBack(args, piece);
      break;
    case 11:
      add(args, piece);
      break;
    case 12:
      cacheFill(args, piece);
      break;
    case 13:
      cacheAttention(args, piece, scratch);
      break;
    case 14:
      loraBack(args, piece, scratch);
      break;
    case 15:
      addRmsNorm(args, piece);
      break;
    case 16:
      addRmsNormBack(args, piece);
      break;
    case 17:
      rmsNormWeight(args, piece);
      break;
    case 18:
      sumRows(args, piece);
      break;
    case 19:
      swiglu(args, piece);
      break;
    case 20:
      swigluBack(args, piece);
      break;
    case 21:
      splitStacked(args, piece);
      break;
    case 22:
      mergeStacked(args, piece);
      break;
    case 23:
      squaresPartial(args, piece);
      break;
    case 24:
      adamWFlat(args, piece);
      break;
    case 25:
      packedLinear(args, piece, scratch);
      break;
    case 26:
      packedBack(args, piece, scratch);
      break;
    case 27:
      weightRows(args, piece);
      break;
    case 28:
      entropy(args, piece);
      break;
    case 29:
      entropyBack(args, piece);
      break;
    case 30:
      softcap(args, piece);
      break;
    case 31:
      softcapBack(args, piece);
      break;
    case 32:
      addBias(args, piece);
      break;
    case 33:
      scale(args, piece);
      break;
    case 34:
      layerNorm(args, piece);
      break;
    case 35:
      layerNormBack(args, piece);
      break;
    case 36:
      headNorm(args, piece);
      break;
    case 37:
      headNormBack(args, piece);
      break;
    case 38:
      geglu(args, piece);
      break;
    case 39:
      gegluBack(args, piece);
      break;
    case 40:
      gelu(args, piece);
      break;
    case 41:
      geluBack(args, piece);
      break;
    case 42:
      scaleColumns(args, piece);
      break;
    case 43:
      columnProducts(args, piece);
      break;
    case 44:
      headGate(args, piece);
      break;
    case 45:
      headGateBack(args, piece);
      break;
    case 46:
      maskRows(args, piece);
      break;
    case 47:
      relu(args, piece);
      break;
    case 48:
      reluBack(args, piece);
      break;
    case 49:
      markedAttention(args, piece, scratch);
      break;
    case 50:
      markedAttentionBack(args, piece, scratch);
      break;
    case 51:
      markedCacheAttention(args, piece, scratch);
      break;
    case 52:
      scaleParts(args, piece);
      break;
    case 53:
      rowSquares(args, piece, scratch);
      break;
    case 54:
      adaptedNorms(args, piece);
      break;
    case 55:
      layerNormWeight(args, piece);
      break;
    case 56:
      headNormWeight(args, piece);
      break;
    case 57:
      sumRowsPartial(args, piece);
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
