/**
 * A command in a session of its own is out of reach of a shell's Ctrl-Z and `fg`: it stops and goes on with us. It does
 * not go on, not even for a moment, when the lock was lost meanwhile; then it is being ended.
 *
 * To be followed before the command starts: it may be stopped as soon as it runs.
 */
export function followJobControl(
  sendToCommand: (signal: NodeJS.Signals) => void,
  isOurs: () => Promise<boolean>,
): Disposable {
  const stop = (): void => {
    // Its group is an orphaned one, in which SIGTSTP does nothing.
    sendToCommand('SIGSTOP');
    process.kill(process.pid, 'SIGSTOP');
  };
  const goOn = (): void => {
    void isOurs().then((ours) => ours && sendToCommand('SIGCONT'));
  };
  process.on('SIGTSTP', stop).on('SIGCONT', goOn);
  return {
    [Symbol.dispose]: () => void process.off('SIGTSTP', stop).off('SIGCONT', goOn),
  };
}
