/** @file Kernels at any number of rows, in Node: on WebAssembly. */

import { testManyRows } from "./manyRowsCases";

testManyRows("wasm");
