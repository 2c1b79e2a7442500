/** What happens in a trail, as the model tells it; the rest of what spin prints is about its own workings. */
export function storyIn(printed: string): string[] {
  const lines = printed.split('\n').map((line) => line.trim());
  const end = lines.findIndex((line) => line.startsWith('spin:'));
  return lines.slice(0, end < 0 ? lines.length : end).filter(Boolean);
}
