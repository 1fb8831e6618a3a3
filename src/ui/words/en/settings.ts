/** @file Words of the Settings page. */

export const settings = {
  title: "Settings",
};
