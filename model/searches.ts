/** The properties of model/lock.pml, as its assertions name them. */
export const PROPERTIES = ['mutualExclusion', 'keyIsKept', 'fencing', 'noKeyStays'] as const;
export type Property = (typeof PROPERTIES)[number];

export interface Search {
  readonly title: string;
  /** What lock.pml is compiled with. */
  readonly defines: readonly string[];
  /** What has to be violated; undefined: nothing may be. */
  readonly violates?: Property;
  /** Every statement of the model has to be reached: what is not reached was not searched. */
  readonly reachesAll?: boolean;
}

/** Two holders are easier to see than the key that one of them no longer has, which comes sooner. */
const SEEN = 'TWO_HOLDERS_ONLY';

/** Without the writes to the resource there are ten times fewer states; fencing needs them, the rest does not. */
const SMALL = 'NO_WRITES';

/** The protocol as it is, in several settings; nothing may be violated. */
const PROTOCOL: readonly Search[] = [
  { title: 'the protocol', defines: [], reachesAll: true },
  { title: 'two late requests at a time', defines: ['LATE=2', SMALL] },
  { title: 'a finer clock', defines: ['TTL=3', SMALL] },
  // Of two fences one is enough, as long as there is the other.
  { title: 'release guarded by session only', defines: ['RELEASE_GUARDED_BY_SESSION', SMALL] },
  {
    title: 'a deposed leader, TTL doubled',
    defines: ['DEPOSED_LEADER', 'LIFE=4', 'NEVER_CALM', SMALL],
  },
];

/** What makes it safe, taken away piece by piece: each of them has to be missed. */
const VARIANTS: readonly Search[] = [
  {
    title: 'ambiguous sessions kept',
    defines: ['AMBIGUOUS_SESSIONS_KEPT', SMALL, SEEN],
    violates: 'noKeyStays',
  },
  {
    title: 'the same, release guarded by session only',
    defines: ['AMBIGUOUS_SESSIONS_KEPT', 'RELEASE_GUARDED_BY_SESSION', 'NEVER_CALM', SMALL, SEEN],
    violates: 'mutualExclusion',
  },
  {
    title: 'deadline counted from the answer',
    defines: ['DEADLINE_FROM_ANSWER', SMALL, SEEN],
    violates: 'mutualExclusion',
  },
  { title: 'hand-over without raising the token', defines: ['HANDOVER_KEEPS_TOKEN'], violates: 'fencing' },
  {
    title: 'hand-over counts an unanswered renewal',
    defines: ['HANDOVER_COUNTS_UNANSWERED_RENEWAL', SMALL, SEEN],
    violates: 'mutualExclusion',
  },
  {
    title: 'release not guarded',
    defines: ['RELEASE_NOT_GUARDED', SMALL, SEEN],
    violates: 'mutualExclusion',
  },
  { title: 'sessions without a TTL', defines: ['SESSIONS_WITHOUT_TTL', SMALL], violates: 'noKeyStays' },
  {
    title: 'a deposed leader, TTL to the point',
    defines: ['DEPOSED_LEADER', 'NEVER_CALM', SMALL],
    violates: 'keyIsKept',
  },
];

export const SEARCHES: readonly Search[] = [...PROTOCOL, ...VARIANTS];
