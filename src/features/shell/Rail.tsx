/** @file The way to every page: a slim rail at the left, a bar at the bottom of narrow screens. */

import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";
import { Icon, type IconName } from "../../ui/Icon";

type Place = { path: string; name: "studio" | "models" | "datasets" | "runs" | "playground" | "settings" };

export const places = [
  { path: "/", name: "studio" },
  { path: "/models", name: "models" },
  { path: "/datasets", name: "datasets" },
  { path: "/runs", name: "runs" },
  { path: "/playground", name: "playground" },
  { path: "/settings", name: "settings" },
] as const satisfies readonly (Place & { name: IconName })[];

export function Rail() {
  const { t } = useTranslation();
  const [location] = useLocation();
  return (
    <nav
      aria-label={t("shell.navigation")}
      className="group/rail relative z-30 order-last border-t border-line bg-page sm:order-none sm:w-12 sm:border-t-0 xl:w-40"
    >
      <ul className="flex justify-around border-line bg-page sm:absolute sm:inset-y-0 sm:left-0 sm:w-12 sm:flex-col sm:justify-start sm:gap-0.5 sm:overflow-hidden sm:border-r sm:p-1.5 sm:transition-[width] sm:delay-0 sm:duration-100 sm:group-hover/rail:w-40 sm:group-hover/rail:delay-300 sm:group-hover/rail:shadow-over sm:group-has-focus-visible/rail:w-40 xl:w-40 xl:group-hover/rail:shadow-none">
        {places.map(({ path, name }) => {
          const isHere =
            path === "/"
              ? location === "/"
              : location.startsWith(path) || (name === "runs" && location.startsWith("/compare"));
          return (
            <li key={name} className={name === "settings" ? "sm:mt-auto" : ""}>
              <Link
                href={path}
                aria-current={isHere ? "page" : undefined}
                className={`flex h-12 flex-col items-center justify-center gap-0.5 rounded-md px-2 text-xs sm:h-9 sm:flex-row sm:justify-start sm:gap-3 sm:px-2.5 sm:text-sm ${
                  isHere ? "text-accent-ink sm:bg-accent-soft" : "text-muted hover:bg-hover hover:text-ink"
                }`}
              >
                <Icon name={name} />
                <span className="whitespace-nowrap sm:opacity-0 sm:group-hover/rail:opacity-100 sm:group-hover/rail:delay-300 sm:group-has-focus-visible/rail:opacity-100 xl:opacity-100">
                  {t(`shell.${name}`)}
                </span>
              </Link>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
