/** @file Where the question is written: Enter asks, Shift+Enter begins a line. */

import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import { TextArea } from "../../ui/TextField";

type ComposerProps = {
  value: string;
  onChange: (value: string) => void;
  onSubmit: () => void;
  onStop: () => void;
  isAsking: boolean;
  action: string;
};

export function Composer({ value, onChange, onSubmit, onStop, isAsking, action }: ComposerProps) {
  const { t } = useTranslation();
  const canAsk = value.trim() !== "" && !isAsking;
  return (
    <div className="flex shrink-0 items-end gap-2 border-t border-line px-4 py-3 lg:px-6">
      <TextArea
        label={t("playground.prompt")}
        hideLabel
        className="flex-1"
        rows={2}
        value={value}
        onChange={onChange}
        placeholder={t("playground.placeholder")}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
          event.preventDefault();
          if (canAsk) onSubmit();
        }}
      />
      {isAsking ? (
        <Button icon="stop" onPress={onStop}>
          {t("playground.stop")}
        </Button>
      ) : (
        <Button variant="primary" isDisabled={!canAsk} onPress={onSubmit}>
          {action}
        </Button>
      )}
    </div>
  );
}
