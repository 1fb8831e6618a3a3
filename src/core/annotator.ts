/** @file What finds the words that carry logic, for LoAR's mask: a profile of rules, the user's own, or the rows' spans. */

import * as z from "zod/mini";

export const profileNames = ["maths", "contract", "code"] as const;

export const annotatorSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.enum(profileNames) }),
  /** Regular expressions in RE2's syntax, matched in linear time. */
  z.strictObject({
    kind: z.literal("patterns"),
    patterns: z.array(z.string().check(z.minLength(1), z.maxLength(2000))).check(z.minLength(1), z.maxLength(100)),
  }),
  /** Those that a data set's rows bring. */
  z.strictObject({ kind: z.literal("spans") }),
]);

export type Annotator = z.infer<typeof annotatorSchema>;
export type Profile = (typeof profileNames)[number];
