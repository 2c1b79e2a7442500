/**
 * The rules of the checker. `a`: never two holders, and what excuses them; `b`: tokens grow, and deadlines count from
 * before their request; `c`: all settles in its time;
 * `d`: everything comes free again; `e`: no crash, no rejection that nobody handles, no error that is not in the contract;
 * `f`: no late write; `lab`: the laboratory itself failed.
 */
export type Rule = 'a' | 'b' | 'c' | 'd' | 'e' | 'f' | 'lab';

export interface Violation {
  readonly rule: Rule;
  readonly at: number;
  readonly what: string;
}
