/** @file The words that problems are dressed in: names with their pronouns, things, containers and units. */

export const women =
  "Ann Beth Clara Dina Ella Fay Gina Hana Iris Jane Kate Lily Maya Nora Olga Pia Rosa Sara Tina Wendy".split(" ");
export const men =
  "Adam Ben Carl Dan Eric Finn Greg Hugo Ivan Jack Karl Leo Max Noah Omar Paul Ravi Sam Tom Victor".split(" ");

/** Things one owns, trades and gives away. */
export const things =
  "pens books apples cards marbles stickers coins shells stamps cookies oranges balloons buttons beads pencils candies peaches toys flowers stones".split(
    " ",
  );

/** Things that are bought one by one. */
export const goods =
  "pens books shirts hats toys cakes cups plates lamps bags mugs scarves bowls pies brushes games belts puzzles".split(
    " ",
  );

/** Food one eats or shares. */
export const foods = "apples cookies oranges candies peaches cakes plums pears nuts grapes".split(" ");

/** Plants in a garden. */
export const plants = "roses tulips beans carrots onions melons trees bushes flowers lilies".split(" ");

/** What holds things, as one and as many. */
export const holders = [
  ["box", "boxes"],
  ["bag", "bags"],
  ["pack", "packs"],
  ["jar", "jars"],
  ["basket", "baskets"],
  ["case", "cases"],
] as const;

export const distances = ["miles", "km"] as const;
export const children = ["children", "friends", "cousins", "classmates", "neighbors", "students"] as const;
export const relatives = ["brother", "sister", "cousin", "uncle", "aunt", "friend", "neighbor", "teacher"] as const;

/** Multiples and parts in words, by number. */
export const timesWords: Readonly<Record<number, string>> = {
  2: "twice",
  3: "three times",
  4: "four times",
  5: "five times",
};
export const partWords: Readonly<Record<number, string>> = { 2: "half", 3: "a third", 4: "a quarter", 5: "a fifth" };
