/** @file Flat parameters in a real browser: on WebGPU. */

import { testFlat } from "./flatCases";

testFlat("webgpu");
