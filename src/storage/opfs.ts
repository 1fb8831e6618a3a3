/** @file Ways through the browser's private file system (OPFS). Paths are `folder/…/name`. */

export const isMissing = (error: unknown) => error instanceof DOMException && error.name === "NotFoundError";

/** With `create`, folders that are not there are made. */
export async function folderAt(path: string, create: boolean): Promise<FileSystemDirectoryHandle> {
  let folder = await navigator.storage.getDirectory();
  for (const part of path.split("/")) folder = await folder.getDirectoryHandle(part, { create });
  return folder;
}

/** The folder a path leads to, and the name in it. */
export async function placeOf(path: string, create: boolean): Promise<[FileSystemDirectoryHandle, string]> {
  const slash = path.lastIndexOf("/");
  return [await folderAt(path.slice(0, slash), create), path.slice(slash + 1)];
}
