/** @file One choice of a few. */

import { Button } from "react-aria-components/Button";
import { ListBox, ListBoxItem } from "react-aria-components/ListBox";
import { Popover } from "react-aria-components/Popover";
import { Select as AriaSelect, SelectValue } from "react-aria-components/Select";
import { Text } from "react-aria-components/Text";
import { Field, type FieldProps, inputClass, useFieldLabel } from "./Field";
import { Icon } from "./Icon";

export type Option<K extends string> = { id: K; label: string; description?: string };

type SelectProps<K extends string> = FieldProps & {
  options: readonly Option<K>[];
  value: K;
  onChange: (value: K) => void;
  isDisabled?: boolean;
};

export const popoverClass =
  "min-w-(--trigger-width) max-w-96 overflow-auto rounded-md border border-line bg-surface p-1 shadow-over outline-none";
export const itemClass =
  "flex cursor-default items-start gap-2 rounded-sm px-2 py-1 text-sm text-ink outline-none data-focused:bg-accent-soft " +
  "data-focused:text-accent-ink data-disabled:opacity-45";

export function Select<K extends string>({ options, value, onChange, isDisabled, ...field }: SelectProps<K>) {
  const label = useFieldLabel(field);
  return (
    <Field {...field}>
      <AriaSelect
        aria-label={label}
        value={value}
        onChange={(key) => {
          const chosen = options.find((option) => option.id === key);
          if (chosen) onChange(chosen.id);
        }}
        isDisabled={isDisabled ?? false}
        isInvalid={Boolean(field.error)}
      >
        <Button className={`${inputClass} flex h-8 items-center justify-between gap-2 text-left`}>
          <SelectValue<Option<K>> className="truncate data-placeholder:text-faint">
            {({ selectedText, defaultChildren }) => selectedText || defaultChildren}
          </SelectValue>
          <Icon name="down" size={14} className="text-faint" />
        </Button>
        <Popover offset={4} className={popoverClass}>
          <ListBox items={options} className="outline-none">
            {(option: Option<K>) => (
              <ListBoxItem id={option.id} textValue={option.label} className={itemClass}>
                {({ isSelected }) => (
                  <>
                    <Icon name="check" size={14} className={`mt-[3px] ${isSelected ? "" : "invisible"}`} />
                    <span className="flex min-w-0 flex-col">
                      <Text slot="label">{option.label}</Text>
                      {option.description && (
                        <Text slot="description" className="text-xs text-muted">
                          {option.description}
                        </Text>
                      )}
                    </span>
                  </>
                )}
              </ListBoxItem>
            )}
          </ListBox>
        </Popover>
      </AriaSelect>
    </Field>
  );
}
