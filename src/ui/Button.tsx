/** @file Buttons: one main action a page, plain ones beside it, quiet ones within content. */

import type { ReactNode } from "react";
import { Button as AriaButton, type ButtonProps as AriaButtonProps } from "react-aria-components/Button";
import { classes } from "./classes";
import { Icon, type IconName } from "./Icon";
import { Tooltip } from "./Tooltip";

const base =
  "inline-flex items-center justify-center gap-1.5 whitespace-nowrap rounded-md border font-medium select-none cursor-default " +
  "disabled:opacity-45 data-pending:opacity-70";

const variants = {
  primary: "border-transparent bg-accent text-on-accent data-hovered:bg-accent-strong data-pressed:bg-accent-strong",
  plain: "border-line bg-surface text-ink data-hovered:bg-hover data-pressed:bg-hover data-hovered:border-edge/50",
  quiet: "border-transparent text-muted data-hovered:bg-hover data-hovered:text-ink data-pressed:bg-hover",
  danger:
    "border-line bg-surface text-bad data-hovered:bg-bad-soft data-pressed:bg-bad-soft data-hovered:border-bad/50",
} as const;

const sizes = { sm: "h-6 px-2 text-xs", md: "h-8 px-3 text-sm", lg: "h-10 px-5 text-base" } as const;

export type ButtonProps = Omit<AriaButtonProps, "className" | "style" | "children"> & {
  variant?: keyof typeof variants;
  size?: keyof typeof sizes;
  icon?: IconName;
  children: ReactNode;
  className?: string;
};

export function Button({ variant = "plain", size = "md", icon, children, className, ...props }: ButtonProps) {
  return (
    <AriaButton {...props} className={classes(base, variants[variant], sizes[size], className)}>
      {icon && <Icon name={icon} size={size === "sm" ? 14 : 16} className="-ml-0.5" />}
      {children}
    </AriaButton>
  );
}

const squares = { sm: "size-6", md: "size-8" } as const;

export type IconButtonProps = Omit<AriaButtonProps, "className" | "style" | "children" | "aria-label"> & {
  /** Read out, and shown as the tooltip. */
  label: string;
  icon: IconName;
  variant?: keyof typeof variants;
  size?: keyof typeof squares;
  className?: string;
};

export function IconButton({ label, icon, variant = "quiet", size = "md", className, ...props }: IconButtonProps) {
  return (
    <Tooltip text={label}>
      <AriaButton {...props} aria-label={label} className={classes(base, variants[variant], squares[size], className)}>
        <Icon name={icon} size={size === "sm" ? 14 : 16} />
      </AriaButton>
    </Tooltip>
  );
}
