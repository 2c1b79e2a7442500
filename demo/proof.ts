/** One turn of a contender, in milliseconds of one clock for all contenders. */
export interface Hold {
  readonly who: string;
  readonly token: number;
  readonly from: number;
  /** The last moment at which it may have believed that it holds; of a dead holder, its deadline. */
  readonly until: number;
  /** What the holder's handle said of itself at `from`. */
  readonly believedAtStart: boolean;
  /** A lost one has noticed that its time was over before it was done. */
  readonly end: 'left' | 'lost' | 'killed';
  /** The counter as it found it, if it came to that. */
  readonly read?: number;
  /** The counter as it left it, if it came to that. */
  readonly wrote?: number;
}

export interface Evidence {
  readonly holds: readonly Hold[];
  /** The counter as it stands in Consul at the end; it began at 0. */
  readonly counter: number;
  /** Keys and sessions that are still in Consul. */
  readonly leftBehind: readonly string[];
}

export interface Finding {
  readonly claim: string;
  /** In numbers, what it rests upon. */
  readonly evidence: string;
  /** None: the claim stands. */
  readonly objections: readonly string[];
}

/** Judges what was observed; a claim of which there is no evidence does not stand either. */
export function prove({ holds, counter, leftBehind }: Evidence): readonly Finding[] {
  const inOrder = holds.toSorted((one, other) => one.from - other.from);
  return [
    {
      claim: 'never two holders at once',
      evidence: `${holds.length} holds, the closest ${closestMs(inOrder).toFixed(1)} ms apart`,
      objections: [...tooFew(inOrder), ...overlaps(inOrder)],
    },
    {
      claim: 'fencing tokens only grow',
      evidence: `${holds.length} tokens, ${inOrder[0]?.token ?? 'none'} to ${inOrder.at(-1)?.token ?? 'none'}`,
      objections: tokensOutOfOrder(inOrder),
    },
    {
      claim: 'every increment counted, none lost',
      evidence: `${holds.filter(({ wrote }) => wrote !== undefined).length} increments, the counter is ${counter}`,
      objections: lostCounts(inOrder, counter),
    },
    {
      claim: "a dead holder's lock comes free by itself",
      evidence: `${deadOf(inOrder).length} killed while holding`,
      objections: stuckAfterDeath(inOrder),
    },
    {
      claim: 'nothing is left in Consul',
      evidence: `${leftBehind.length} keys and sessions`,
      objections: leftBehind.map((what) => `${what} is still there`),
    },
  ];
}

/** Between the end of one hold and the beginning of the next. */
function closestMs(holds: readonly Hold[]): number {
  return Math.min(...holds.slice(1).map(({ from }, index) => from - holds[index]!.until));
}

function deadOf(holds: readonly Hold[]): Hold[] {
  return holds.filter(({ end }) => end === 'killed');
}

function tooFew(holds: readonly Hold[]): string[] {
  const holders = new Set(holds.map(({ who }) => who)).size;
  return holders < 2 ? [`${holders} holder(s) only: nobody contended`] : [];
}

function overlaps(holds: readonly Hold[]): string[] {
  const objections: string[] = [];
  // Not only neighbours: a long hold may cover several later ones.
  let longest: Hold | undefined;
  for (const hold of holds) {
    if (!hold.believedAtStart) objections.push(`${named(hold)} never believed that it holds`);
    if (!(hold.until >= hold.from)) objections.push(`${named(hold)} ended before it began`);
    if (longest && hold.from < longest.until) {
      const overlapMs = (Math.min(hold.until, longest.until) - hold.from).toFixed(1);
      objections.push(`${named(longest)} and ${named(hold)} both held for ${overlapMs} ms`);
    }
    if (!longest || hold.until > longest.until) longest = hold;
  }
  return objections;
}

function tokensOutOfOrder(holds: readonly Hold[]): string[] {
  if (holds.length === 0) return ['there was no token'];
  return holds
    .filter(({ token }, index) => index > 0 && !(token > holds[index - 1]!.token))
    .map((hold) => `${named(hold)} came after token ${holds[holds.indexOf(hold) - 1]!.token}`);
}

function lostCounts(holds: readonly Hold[], counter: number): string[] {
  const objections: string[] = [];
  let expected = 0;
  let mayBeOneMore = false;
  const compare = (found: number, where: string): void => {
    if (found !== expected && !(mayBeOneMore && found === expected + 1)) {
      objections.push(`${where} ${found}, where ${expected} had been counted`);
    }
    expected = found;
    mayBeOneMore = false;
  };
  for (const hold of holds) {
    if (hold.read !== undefined) compare(hold.read, `${named(hold)} found`);
    if (hold.wrote !== undefined) {
      if (hold.wrote !== expected + 1)
        objections.push(`${named(hold)} wrote ${hold.wrote} after ${expected}`);
      expected = hold.wrote;
    } else if (hold.read !== undefined) {
      // It may have ended between its writing and its telling of it.
      mayBeOneMore = true;
    }
  }
  compare(counter, 'Consul has');
  if (!holds.some(({ wrote }) => wrote !== undefined)) objections.push('nobody counted');
  return objections;
}

function stuckAfterDeath(holds: readonly Hold[]): string[] {
  const dead = deadOf(holds);
  if (dead.length === 0) return ['no holder was killed'];
  return dead.filter((hold) => hold === holds.at(-1)).map((hold) => `nobody held after ${named(hold)}`);
}

function named({ who, token }: Hold): string {
  return `${who} (token ${token})`;
}
