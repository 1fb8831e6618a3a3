/** @file Actions behind one button. */

import type { ReactNode } from "react";
import { Menu as AriaMenu, MenuItem, MenuTrigger } from "react-aria-components/Menu";
import { Popover } from "react-aria-components/Popover";
import { Icon, type IconName } from "./Icon";
import { itemClass, popoverClass } from "./Select";

export type MenuAction = {
  id: string;
  label: string;
  description?: string;
  icon?: IconName;
  isDanger?: boolean;
  isDisabled?: boolean;
  onAction: () => void;
};

/** `children` is the Button or IconButton that opens the menu. */
export function Menu({
  label,
  actions,
  children,
}: {
  label: string;
  actions: readonly MenuAction[];
  children: ReactNode;
}) {
  return (
    <MenuTrigger>
      {children}
      <Popover offset={4} placement="bottom end" className={popoverClass}>
        <AriaMenu aria-label={label} className="outline-none">
          {actions.map((action) => (
            <MenuItem
              key={action.id}
              id={action.id}
              textValue={action.label}
              isDisabled={action.isDisabled ?? false}
              onAction={action.onAction}
              className={`${itemClass} ${action.isDanger ? "text-bad" : ""}`}
            >
              {action.icon && <Icon name={action.icon} size={14} className="mt-[3px]" />}
              <span className="flex flex-col">
                {action.label}
                {action.description && <span className="text-xs text-muted">{action.description}</span>}
              </span>
            </MenuItem>
          ))}
        </AriaMenu>
      </Popover>
    </MenuTrigger>
  );
}
