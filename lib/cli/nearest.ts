/** What was probably meant: the name that the fewest slips lead to, if they are few. */
export function nearest(given: string, names: readonly string[]): string | undefined {
  const [best] = names
    .map((name) => ({ name, slips: slipsBetween(given, name) }))
    .toSorted((one, other) => one.slips - other.slips);
  return best !== undefined && best.slips <= Math.max(1, best.name.length * 0.4) ? best.name : undefined;
}

/** How many letters are missing, superfluous, wrong, or swapped with their neighbour. */
function slipsBetween(one: string, other: string): number {
  const slips: number[][] = [Array.from({ length: other.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    slips.push(row);
    for (let j = 1; j <= other.length; j++) {
      const isSame = one[i - 1] === other[j - 1];
      const isSwap = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      row.push(
        Math.min(
          slips[i - 1]![j - 1]! + (isSame ? 0 : 1),
          slips[i - 1]![j]! + 1,
          row[j - 1]! + 1,
          isSwap ? slips[i - 2]![j - 2]! + 1 : Infinity,
        ),
      );
    }
  }
  return slips[one.length]![other.length]!;
}
