const LEFT_RUNNING_MS = 20_000;

// A default export because jest asks for one.
export default async function globalTeardown(): Promise<void> {
  await globalThis.consulOfThisRun?.stop();
  failWhenSomethingGoesOn();
}

/** Jest waits for ever for whatever a spec left running: a run that cannot end says so, and has failed. */
function failWhenSomethingGoesOn(): void {
  setTimeout(() => {
    const open = process.getActiveResourcesInfo().join(', ');
    process.stderr.write(`Left running by a spec, ${LEFT_RUNNING_MS} ms after the last one: ${open}\n`);
    process.exit(1);
  }, LEFT_RUNNING_MS).unref();
}
