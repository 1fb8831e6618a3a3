/** @file Marks of the tokens that carry logic, in a real browser: on WebGPU. */

import { testMarks } from "./attentionMarkedCases";

testMarks("webgpu");
