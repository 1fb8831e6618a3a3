/** @file A switch whose word explains itself. */

import { useTranslation } from "react-i18next";
import { Switch } from "../../ui/Switch";
import { Term, type TermName } from "../../ui/Term";

export function Toggle({
  term,
  value,
  onChange,
}: {
  term: TermName;
  value: boolean;
  onChange: (value: boolean) => void;
}) {
  const { t } = useTranslation();
  return (
    <div className="relative flex items-center gap-2 text-xs text-muted">
      <Switch value={value} onChange={onChange}>
        <span className="sr-only">{t(`terms.${term}.word`)}</span>
      </Switch>
      <Term name={term} />
    </div>
  );
}
