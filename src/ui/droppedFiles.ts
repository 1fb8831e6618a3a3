/** @file The files of a drop, those of a dropped folder among them. */

export type Dropped = {
  files: File[];
  /** The folder's name, where one was dropped. */
  folder: string | null;
};

/** Files of a folder at most: a model has a few dozen. */
const most = 500;

const filesOf = (folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> =>
  new Promise((resolve, reject) => {
    const reader = folder.createReader();
    const all: FileSystemEntry[] = [];
    const next = () => {
      reader.readEntries((entries) => {
        all.push(...entries);
        if (entries.length === 0 || all.length > most) resolve(all);
        else next(); // a reader answers a hundred at a time
      }, reject);
    };
    next();
  });

const fileOf = (entry: FileSystemFileEntry): Promise<File> =>
  new Promise((resolve, reject) => entry.file(resolve, reject));

/** Call it in the drop's handler: what was dropped is gone when that returns. */
export async function droppedFiles(transfer: DataTransfer): Promise<Dropped> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry());
  const plain = [...transfer.files];
  const folder = entries.find((entry): entry is FileSystemDirectoryEntry => entry?.isDirectory === true);
  if (!folder) return { files: plain, folder: null };
  const inside = (await filesOf(folder)).filter((entry): entry is FileSystemFileEntry => entry.isFile);
  return { files: await Promise.all(inside.map(fileOf)), folder: folder.name };
}
