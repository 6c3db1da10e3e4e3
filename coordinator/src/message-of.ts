// SPDX-License-Identifier: Apache-2.0
/** What a thrown value says. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What to do about a disk that doesn't take what is written to it, to be added to what an error says; '' for other errors. */
export function mendOf(error: unknown): string {
  const said = messageOf(error);
  if (/EROFS|EACCES|EPERM|Read-only file system/.test(said)) return '; let the user who runs this write there';
  return /ENOSPC|EDQUOT|No space left on device|Disk quota exceeded|out of disk space|disk full\?/.test(said) ? '; make room there' : '';
}
