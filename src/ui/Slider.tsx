/** @file A number on a track, where its place says more than its digits. */

import { Slider as AriaSlider, SliderOutput, SliderThumb, SliderTrack } from "react-aria-components/Slider";
import { Field, type FieldProps, useFieldLabel } from "./Field";

type SliderProps = FieldProps & {
  value: number;
  onChange: (value: number) => void;
  minimum: number;
  maximum: number;
  step: number;
  isDisabled?: boolean;
  /** Writes the number at the right end; as it is by default. */
  write?: (value: number) => string;
};

export function Slider({ value, onChange, minimum, maximum, step, isDisabled, write = String, ...field }: SliderProps) {
  const label = useFieldLabel(field);
  return (
    <Field {...field}>
      <AriaSlider
        aria-label={label}
        value={value}
        onChange={onChange}
        minValue={minimum}
        maxValue={maximum}
        step={step}
        isDisabled={isDisabled ?? false}
        className="flex h-8 items-center gap-3"
      >
        <SliderTrack className="relative h-full flex-1">
          {({ state }) => (
            <>
              <div className="absolute inset-x-0 top-1/2 h-0.5 -translate-y-1/2 rounded-full bg-line" />
              <div
                className="absolute left-0 top-1/2 h-0.5 -translate-y-1/2 rounded-full bg-accent"
                style={{ width: `${state.getThumbPercent(0) * 100}%` }}
              />
              <SliderThumb className="top-1/2 size-3.5 rounded-full border-2 border-accent bg-surface outline-offset-2 data-dragging:bg-accent data-focus-visible:outline-2 data-focus-visible:outline-accent" />
            </>
          )}
        </SliderTrack>
        <SliderOutput className="w-10 text-right font-mono text-xs">{() => write(value)}</SliderOutput>
      </AriaSlider>
    </Field>
  );
}
