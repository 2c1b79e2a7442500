const ENVIRONMENT = `Consul is found by CONSUL_HTTP_ADDR, CONSUL_HTTP_TOKEN and the other variables that Consul's own command
has for address, access and TLS.`;

export const HELP = {
  main: `Short-lived distributed locks on Consul.

Usage:
  consul-lock run <key> [--timeout 30s] [--ttl 60s] [--renew] -- <command> [args...]
  consul-lock ls [prefix] [--json]
  consul-lock show <key> [--json]
  consul-lock break <key> [--yes]

  run     runs a command while it holds the lock
  ls      lists the locks
  show    says who has a lock
  break   frees a lock, whoever has it

"consul-lock <command> --help" tells more, with examples; --version tells the version.
${ENVIRONMENT}
`,
  run: `Runs a command while it holds the lock, and ends with the command's exit code.

Usage: consul-lock run <key> [options] -- <command> [args...]

  --timeout <duration>  how long to wait for another holder: 500ms, 30s, 5m, 1h, inf (default: 0, one attempt)
  --ttl <duration>      how long the lock lasts, from 10s to 24h (default: 3m). Unless it is renewed, it is lost
                        then, and the command is ended. Should this machine die, it stays taken for twice as long
  --renew               keeps the lock for as long as the command runs

Examples:
  consul-lock run jobs/nightly -- ./nightly.sh
  consul-lock run --timeout 5m --ttl 30s --renew jobs/import -- node import.js --all
  consul-lock run --timeout inf deploy -- sh -c 'echo "token $CONSUL_LOCK_FENCING_TOKEN"; make deploy'

The command has CONSUL_LOCK_KEY, CONSUL_LOCK_SESSION and CONSUL_LOCK_FENCING_TOKEN in its environment. Signals are
passed on to it. When the lock is lost, the command and what it has started get SIGTERM, and SIGKILL 5s later. Where its
session was ended, Consul keeps others out of a lock that was lost for 10s.

Exit codes: the command's, or 128 + n when it ended by signal n (so does the waiting); and
  64  wrong usage                       76   the lock was lost, whatever the command ended with
  69  Consul unavailable, or refused    126  the command cannot be executed
  75  not acquired                      127  the command was not found
${ENVIRONMENT}
`,
  ls: `Lists the locks: key, holder, since when, TTL and fencing token. A table on a terminal, and elsewhere a line for
each lock with tabs between them.

Usage: consul-lock ls [prefix] [--json]

  --json  an array of everything that is known

Examples:
  consul-lock ls
  consul-lock ls jobs/
  consul-lock ls --json jobs/ | jq -r '.[].fullKey'

${ENVIRONMENT}
`,
  show: `Says who has a lock. Ends with 1 when there is no such lock.

Usage: consul-lock show <key> [--json]

  --json  everything that is known, or null

Examples:
  consul-lock show jobs/nightly
  consul-lock show jobs/nightly --json | jq .fencingToken

${ENVIRONMENT}
`,
  break: `Frees a lock, whoever has it. It says whom it hits, and asks first; where nobody can be asked, it wants --yes.
Ends with 1 when there is no such lock, or when it was left as it is.

Usage: consul-lock break <key> [--yes]

  --yes  does not ask

The holder may be at work still: it is told, and a command of "consul-lock run" is ended, but the next holder does not
wait for that.

Examples:
  consul-lock break jobs/nightly
  consul-lock break --yes jobs/nightly

${ENVIRONMENT}
`,
} as const;
