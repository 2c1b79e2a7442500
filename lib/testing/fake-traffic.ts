/** Taken at load time, so that a test framework's fake timers do not stop the fake. */
const immediate = setImmediate;

/** As many turns without a request count as rest: enough for code that hops a turn or two between its requests. */
const QUIET_TURNS = 5;

/** Where code under test polls without end, this many turns count as rest too. */
const MOST_TURNS = 5_000;

/** What is under way between the code under test and the fake, none of which takes time on its clock. */
export class FakeTraffic {
  private stirred = 0;

  /** Runs `callback` in a later turn of the event loop. */
  later(callback: () => void): void {
    this.stirred += 1;
    immediate(callback);
  }

  /** Resolves once the requests that follow from one another have been answered, and their promise chains have run. */
  async settle(): Promise<void> {
    for (let turns = 0, quiet = 0; quiet < QUIET_TURNS && turns < MOST_TURNS; turns += 1) {
      const before = this.stirred;
      await new Promise<void>((resolve) => {
        immediate(resolve);
      });
      quiet = this.stirred === before ? quiet + 1 : 0;
    }
  }
}
