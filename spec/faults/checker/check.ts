import { FAULT_KINDS, type Fact } from '../history/facts.ts';
import { comesFree } from './comes-free.ts';
import { countsFromBefore } from './counts-from-before.ts';
import { factsOf, handlesOf } from './handles.ts';
import { IdleTimes } from './idle-times.ts';
import { neverTwoHolders } from './never-two-holders.ts';
import { noCrash } from './no-crash.ts';
import { noLateWrite } from './no-late-write.ts';
import { nothingBehind } from './nothing-behind.ts';
import { outsiderObligations } from './outsider-obligations.ts';
import { QuietTimes } from './quiet-times.ts';
import { Removals } from './removals.ts';
import { Requests } from './requests.ts';
import { sessionsLeft } from './sessions-left.ts';
import { sessionsServeOne } from './sessions-serve-one.ts';
import { settlesInTime } from './settles-in-time.ts';
import { tokensGrow } from './tokens-grow.ts';
import type { Violation } from './violation.ts';

export interface Verdict {
  readonly violations: readonly Violation[];
  readonly figures: Figures;
}

export type Counts = Readonly<Record<string, number>>;

export interface Figures {
  readonly seed: number;
  readonly minutes: number;
  readonly contenders: number;
  readonly processes: number;
  readonly callers: number;
  readonly acquisitions: number;
  readonly refusals: number;
  readonly rejections: Counts;
  readonly losses: Counts;
  readonly faults: Counts;
  readonly elections: number;
  /** Of promises of acquisitions and handles; below zero when all were in time. */
  readonly longestOverrunMs: number;
  readonly promises: number;
  readonly writes: number;
  /** Overlaps that an outsider is to blame for. */
  readonly excusedOverlaps: number;
  /** Those of them in which a taking that was under way slipped through before a lock delay. */
  readonly slippedTakings: number;
  /** Looks at a time left that were compared with the request that had started it. */
  readonly deadlines: number;
  /** Removals of which it was proven that the holder learned in time, and calls after a removal that were refused. */
  readonly learned: number;
  readonly answered: number;
  /** Sessions whose holders died or whose creation was never answered, when the cluster was healthy. */
  readonly orphans: number;
  /** Those of them that a process seems to have known and, ending in order, did not end: a figure, to be looked into. */
  readonly unended: readonly string[];
}

/** Judges a history. A pure function: whatever it says rests on the facts alone. */
export function check(history: readonly Fact[]): Verdict {
  const facts = history.toSorted((one, other) => one.at - other.at);
  const handles = handlesOf(facts);
  const idle = new IdleTimes(facts);
  const removals = new Removals(facts);
  const requests = new Requests(facts);
  const holders = neverTwoHolders(facts, handles, removals, requests);
  const counting = countsFromBefore(handles, requests);
  const quiet = new QuietTimes(facts);
  const obligations = outsiderObligations(handles, removals, quiet, idle);
  const settling = settlesInTime(facts, handles, idle);
  const writing = noLateWrite(facts, handles);
  const violations = [
    ...holders.violations,
    ...obligations.violations,
    ...tokensGrow(handles),
    ...counting.violations,
    ...settling.violations,
    ...comesFree(facts),
    ...nothingBehind(facts, handles, requests, quiet, idle),
    ...sessionsServeOne(handles, requests),
    ...noCrash(facts, handles),
    ...writing.violations,
    ...laboratoryFailures(facts),
  ].toSorted((one, other) => one.at - other.at);
  const [run] = factsOf(facts, 'run');
  return {
    violations,
    figures: {
      seed: run?.seed ?? 0,
      minutes: run?.minutes ?? 0,
      contenders: run?.contenders ?? 0,
      callers: run?.callers ?? 0,
      processes: factsOf(facts, 'started').length,
      acquisitions: factsOf(facts, 'acquired').length,
      refusals: factsOf(facts, 'refused').length,
      rejections: counts(factsOf(facts, 'rejected').map(({ code }) => code)),
      losses: counts(factsOf(facts, 'lost').map(({ reason }) => /\(([\w-]+)\)$/.exec(reason)?.[1] ?? reason)),
      faults: counts(factsOf(facts, 'fault').map(({ fault }) => fault)),
      elections: factsOf(facts, 'election').length,
      longestOverrunMs: settling.longestOverrunMs,
      promises: settling.promises,
      writes: writing.writes,
      excusedOverlaps: holders.excused,
      slippedTakings: holders.slipped,
      deadlines: counting.looks,
      learned: obligations.learned,
      answered: obligations.answered,
      orphans: factsOf(facts, 'healthy')[0]?.sessions.length ?? 0,
      unended: sessionsLeft(facts, handles, requests, idle),
    },
  };
}

/** A run that saw no faults, or no locks, proves nothing. */
function laboratoryFailures(facts: readonly Fact[]): Violation[] {
  const troubles = factsOf(facts, 'trouble').map(({ at, what }): Violation => ({ rule: 'lab', at, what }));
  const seen = new Set(factsOf(facts, 'fault').map(({ fault }) => fault));
  const at = facts.at(-1)?.at ?? 0;
  const missing = FAULT_KINDS.filter((fault) => !seen.has(fault)).map((fault): Violation => ({
    rule: 'lab',
    at,
    what: `there was no ${fault}`,
  }));
  const idle = factsOf(facts, 'acquired').length === 0;
  return [
    ...troubles,
    ...missing,
    ...(idle ? [{ rule: 'lab', at, what: 'nobody acquired a lock' } as const] : []),
  ];
}

function counts(names: readonly string[]): Counts {
  const counted: Record<string, number> = {};
  for (const name of names.toSorted()) counted[name] = (counted[name] ?? 0) + 1;
  return counted;
}
