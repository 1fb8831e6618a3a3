/** @file Several views of one thing, one at a time. */

import type { ReactNode } from "react";
import { Tabs as AriaTabs, Tab, TabList, TabPanel } from "react-aria-components/Tabs";

type TabsProps<K extends string> = {
  label: string;
  tabs: readonly { id: K; label: string; content: ReactNode }[];
  value?: K;
  onChange?: (value: K) => void;
  className?: string;
};

export function Tabs<K extends string>({ label, tabs, value, onChange, className }: TabsProps<K>) {
  return (
    <AriaTabs
      {...(value === undefined ? {} : { selectedKey: value })}
      onSelectionChange={(key) => {
        const tab = tabs.find(({ id }) => id === key);
        if (tab) onChange?.(tab.id);
      }}
      className={`flex min-h-0 flex-col ${className ?? ""}`}
    >
      <TabList aria-label={label} className="flex gap-4 border-b border-line">
        {tabs.map((tab) => (
          <Tab
            key={tab.id}
            id={tab.id}
            className="-mb-px cursor-default border-b-2 border-transparent py-1.5 text-sm text-muted data-hovered:text-ink data-selected:border-accent data-selected:text-ink"
          >
            {tab.label}
          </Tab>
        ))}
      </TabList>
      {tabs.map((tab) => (
        <TabPanel key={tab.id} id={tab.id} className="min-h-0 flex-1 pt-3">
          {tab.content}
        </TabPanel>
      ))}
    </AriaTabs>
  );
}
