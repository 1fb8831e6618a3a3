/** @file A question or a small task over the page; Escape leaves it. */

import type { ReactNode } from "react";
import { Dialog as AriaDialog } from "react-aria-components/Dialog";
import { Heading } from "react-aria-components/Heading";
import { Modal, ModalOverlay } from "react-aria-components/Modal";
import { useTranslation } from "react-i18next";
import { Button, IconButton } from "./Button";

const widths = { sm: "sm:w-105", md: "sm:w-160", lg: "sm:w-240" } as const;

type DialogProps = {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  width?: keyof typeof widths;
  /** Buttons, the main one last. */
  actions?: ReactNode;
  children: ReactNode;
  /** A task under way: neither Escape nor a click outside leaves it. */
  isBusy?: boolean;
};

export function Dialog({ title, isOpen, onClose, width = "md", actions, children, isBusy = false }: DialogProps) {
  const { t } = useTranslation();
  return (
    <ModalOverlay
      isOpen={isOpen}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      isDismissable={!isBusy}
      isKeyboardDismissDisabled={isBusy}
      className="fixed inset-0 z-40 flex items-end justify-center bg-veil sm:items-center sm:p-6"
    >
      <Modal
        className={`flex max-h-[92dvh] w-full flex-col rounded-t-lg border border-line bg-surface shadow-over sm:max-h-full sm:rounded-lg ${widths[width]}`}
      >
        <AriaDialog className="flex min-h-0 flex-1 flex-col outline-none">
          <header className="flex items-center justify-between gap-4 border-b border-line py-2 pr-2 pl-4">
            <Heading slot="title" className="truncate text-base">
              {title}
            </Heading>
            <IconButton label={t("common.close")} icon="close" size="sm" onPress={onClose} isDisabled={isBusy} />
          </header>
          <div className="min-h-0 flex-1 overflow-auto p-4">{children}</div>
          {actions && (
            <footer className="flex flex-wrap justify-end gap-2 border-t border-line px-4 py-3">{actions}</footer>
          )}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

type ConfirmProps = {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  /** The verb on the button that goes on. */
  action: string;
  onConfirm: () => void;
  children: ReactNode;
};

/** Asks before something that cannot be undone. */
export function ConfirmDialog({ action, onConfirm, children, ...dialog }: ConfirmProps) {
  const { t } = useTranslation();
  return (
    <Dialog
      {...dialog}
      width="sm"
      actions={
        <>
          <Button onPress={dialog.onClose}>{t("common.cancel")}</Button>
          <Button
            variant="danger"
            onPress={() => {
              dialog.onClose();
              onConfirm();
            }}
          >
            {action}
          </Button>
        </>
      }
    >
      {children}
    </Dialog>
  );
}
