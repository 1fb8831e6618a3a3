/** @file A thumb up or down beside an answer: kept as a row to train on, and taken back by pressing it again. */

import { useTranslation } from "react-i18next";
import type { Side, Turn } from "../../state/chat";
import { judge, labelOf, useFeedback } from "../../state/feedback";
import { dismissTopic, showMessage } from "../../state/shell";
import { explainError } from "../../ui/explainError";
import { IconToggle } from "../../ui/IconToggle";

/** A press takes the last message of a thumb away: its Undo would be of what no longer is. */
const topic = "feedback";

export function Thumbs({ turn, side, name }: { turn: Turn; side: Side; name: string }) {
  const { t } = useTranslation();
  const label = useFeedback((state) => labelOf(state, turn.id, side));
  const answer = turn.answers[side];
  if (answer.status !== "done" || answer.text.trim() === "") return null;
  const names = { answers: t("playground.feedback.answers"), pairs: t("playground.feedback.pairs") };
  const set = async (wanted: boolean | null, undoTo: { label: boolean | null } | null) => {
    dismissTopic(topic);
    try {
      const { pairs } = await judge(turn, side, wanted, names);
      if (labelOf(useFeedback.getState(), turn.id, side) !== wanted) return; // pressed again meanwhile
      const undo = undoTo && {
        action: { label: t("playground.feedback.undo"), run: () => void set(undoTo.label, null) },
      };
      const pair = pairs > 0 && { detail: t("playground.feedback.savedPair", { dataset: names.pairs }) };
      showMessage(
        wanted === null
          ? { tone: "info", title: t("playground.feedback.takenBack"), ...undo, topic }
          : {
              tone: "good",
              title: t("playground.feedback.saved", { dataset: names.answers }),
              ...pair,
              ...undo,
              topic,
            },
      );
    } catch (error) {
      const { title, detail } = explainError(t, error);
      showMessage({ tone: "bad", title: t("playground.feedback.failed"), detail: detail || title });
    }
  };
  const press = (pressed: boolean) => void set(label === pressed ? null : pressed, { label });
  return (
    <div
      role="group"
      aria-label={t("playground.feedback.group", { name })}
      className={`mt-1 flex gap-1 px-3 ${side === "base" ? "lg:pl-5" : ""}`}
    >
      <IconToggle
        icon="thumbUp"
        label={t("playground.feedback.up")}
        tone="good"
        isOn={label === true}
        onPress={() => press(true)}
      />
      <IconToggle
        icon="thumbDown"
        label={t("playground.feedback.down")}
        tone="bad"
        isOn={label === false}
        onPress={() => press(false)}
      />
    </div>
  );
}
