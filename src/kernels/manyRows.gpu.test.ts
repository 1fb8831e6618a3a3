/** @file Kernels at any number of rows, in a real browser: on WebGPU. */

import { testManyRows } from "./manyRowsCases";

testManyRows("webgpu");
