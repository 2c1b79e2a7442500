/*
 * The protocol of lib/ for one key: what a contender asks of Consul, what it does when there is no answer, and how a
 * lock passes on within a process. All orders of events are searched, of any number of acquisitions and of faults.
 *
 *   mutualExclusion  never two contenders whose own clocks say that they hold the lock
 *   keyIsKept        while a contender's clock says so, the key is its own in Consul: nobody else can take it, in
 *                    whatever process, which is why two contenders are enough here
 *   fencing          a resource that refuses smaller tokens takes no write after one of a later holder
 *   noKeyStays       once no more requests are lost, a key that nobody holds comes free, or goes to somebody, within
 *                    two TTLs
 *
 * noKeyStays has a bound, and so needs no assumption about fairness: it says more than 'not for ever', and is searched
 * for as the others are.
 *
 * What keeps the model small, and why nothing is lost by that:
 *
 * - A request is carried out when it is sent, or when nobody waits for its answer any more (`late`). In between, its
 *   sender does nothing but wait, and might as well have sent it later. Where the moment of sending counts, for what
 *   starts a TTL, at once is the worst case: a TTL that Consul starts later ends later.
 * - Any number of ticks may pass between two steps of anybody. This is the slow answer, and the pause of a process.
 * - A session that we end and one that a crash leaves behind are the same: nobody knows it any more, and it may end at
 *   any time. So the request that ends it may get lost, or come late, without being modelled.
 * - A late renewal only lets a session live longer, and so may Consul: it is left out.
 * - So is the waiting in Consul, for it only reads: an attempt may be made at any time.
 * - Which of two sessions it is does not matter, but who has it: a session that is passed on changes its number.
 *
 * Not modelled: several keys, a user's session, lock delay, behavior 'release', rewriting the lock's value, and
 * whoever takes a lock away without being a contender.
 */

/* In ticks. */
#ifndef TTL
#define TTL 2
#endif

/* Consul ends a session after twice its TTL (measured), which only DEPOSED_LEADER relies on. */
#ifndef LIFE
#define LIFE TTL
#endif

/* So many requests at a time are under way for which nobody waits; more of them get lost. */
#ifndef LATE
#define LATE 1
#endif

/* A and B, two callers of one process. */
#define CONTENDERS 2
#define OTHER (1 - i)

/* Sessions: 1 is A's, 2 is B's, 3 is the pool's, and the others are those that nobody knows any more. */
#define OWN (i + 1)
#define OTHERS (OTHER + 1)
#define POOL (CONTENDERS + 1)
#define SESSIONS (POOL + LATE + 1)

typedef Session {
  /* In Consul: whether there is such a session, and in how many ticks it may end. */
  bit isAlive;
  byte left;
  /* In the process, if it knows it (session.ts): ticks since the request was sent that last started the TTL. */
  bit isKnown;
  byte age;
  bit isDoubtful;
  bit isMisled
};

typedef Key {
  /* 0: it is free. */
  byte session;
  /* Its ModifyIndex. */
  byte token;
  /* By which contender's acquisition it was written, 0 for one that is over: lock-entry.ts */
  byte flags;
  /* Counts the holders, for the properties alone. */
  byte turn
};

#define nothing 0
mtype = { TAKE, HAND_OVER, GIVE_BACK };
typedef Request { mtype verb; byte session; byte token; byte flags };

typedef Contender {
  /* It waits, so that the lock can be handed over to it: waiting-line.ts */
  bit isReady;
  /* That has happened, and it has not noticed yet. */
  bit hasLot;
  byte token;
  byte turn;
  /* A handing over of its was not answered: hand-over.ts */
  bit hasAnnounced;
  /* lease.ts */
  bit holds;
  byte leaseAge
};

typedef Write { byte token; byte turn };

Session session[SESSIONS + 1];
Key key;
Request late[LATE];
Contender contender[CONTENDERS];
/* To the resource that the lock guards: one that takes its time, and the last one that was accepted. */
Write slowWrite;
Write lastWrite;
/* From some moment on no request is lost. */
bool isCalm;
/* Since then, and since the key last came to somebody. */
byte unheldTicks;

bool mutualExclusion = true, keyIsKept = true, fencing = true, noKeyStays = true;

/* Of use within a step, and 0 after it: every value that is left there would be a state of its own. */
bool ok;
byte n, s, x, y, next;
int used;

#define me contender[i]
#define mine session[OWN]
#define flagsOf(c) ((c) + 1)
#define nameOf(c) ('A' + (c))
#define isHeld(c) (contender[c].holds && contender[c].leaseAge < TTL)
#define keepsKey(c) (!isHeld(c) || (key.session == (c) + 1 && key.token == contender[c].token))
#define isOurs (key.session == OWN && key.flags == flagsOf(i))
#define isAnnounced (key.session == OWN && me.hasAnnounced && (key.flags == flagsOf(OTHER) || key.flags == 0))

/* The variants: what each of them leaves out, it has to fail for */

#if defined(AMBIGUOUS_SESSIONS_KEPT)
#define mayServeAgain(which) true
#define giveUp(which) pool(which)
#else
#define mayServeAgain(which) (!session[which].isDoubtful)
#define giveUp(which) drop(which)
#endif

#if defined(DEADLINE_FROM_ANSWER)
#define readAnswer() mine.age = 0
#else
#define readAnswer() skip
#endif

#if defined(HANDOVER_COUNTS_UNANSWERED_RENEWAL)
#define missAnswer() mine.age = (me.token > 0 -> 0 : mine.age)
#else
#define missAnswer() skip
#endif

#if defined(HANDOVER_KEEPS_TOKEN)
#define raiseToken() skip
#else
#define raiseToken() key.token = next
#endif

#if defined(SESSIONS_WITHOUT_TTL)
#define runs(which) false
#else
#define runs(which) (session[which].left > 0)
#endif

#if defined(RELEASE_NOT_GUARDED)
#define mayGiveBack(which, guard) (key.session != 0)
#define mayCome(l) true
#elif defined(RELEASE_GUARDED_BY_SESSION)
#define mayGiveBack(which, guard) (key.session == which)
#define mayCome(l) (session[late[l].session].isAlive && (late[l].verb == GIVE_BACK || isUpToDate(l)))
#else
#define mayGiveBack(which, guard) (key.session == which && key.token == guard)
#define mayCome(l) (session[late[l].session].isAlive && isUpToDate(l))
#endif
#define isUpToDate(l) (late[l].verb == TAKE || (key.session == late[l].session && key.token == late[l].token))

/* Only the order of tokens counts, which grow without end: they are kept as small as it allows. */

inline lower(number) {
  x = 0;
  y = 1;
  do
  :: y <= number -> x = x + ((used >> y) & 1); y++
  :: else -> break
  od;
  number = x
}

inline findNext() {
  used = 1 << key.token | 1 << key.turn;
  used = used | 1 << slowWrite.token | 1 << slowWrite.turn | 1 << lastWrite.token | 1 << lastWrite.turn;
  for (n : 0 .. CONTENDERS - 1) { used = used | 1 << contender[n].token | 1 << contender[n].turn }
  for (n : 0 .. LATE - 1) { used = used | 1 << late[n].token }
  lower(key.token); lower(key.turn);
  lower(slowWrite.token); lower(slowWrite.turn); lower(lastWrite.token); lower(lastWrite.turn);
  for (n : 0 .. CONTENDERS - 1) { lower(contender[n].token); lower(contender[n].turn) }
  for (n : 0 .. LATE - 1) { lower(late[n].token) }
  next = 31;
  lower(next);
  next++;
  n = 0; x = 0; y = 0; used = 0
}

/* What can have no effect any more is taken away: it would make states of its own. */

inline clearSession(which) {
  session[which].isAlive = 0; session[which].left = 0; session[which].isKnown = 0; session[which].age = 0;
  session[which].isDoubtful = 0; session[which].isMisled = 0
}

inline clearLate(l) { late[l].verb = nothing; late[l].session = 0; late[l].token = 0; late[l].flags = 0 }

inline isInUse(which) {
  x = key.session == which;
  for (n : 0 .. LATE - 1) { x = x || (late[n].verb != nothing && late[n].session == which) }
  n = 0
}

inline clearUp() {
  for (s : 0 .. LATE - 1) {
    if
    :: late[s].verb != nothing && !mayCome(s) -> clearLate(s)
    :: else
    fi
  }
  for (s : POOL + 1 .. SESSIONS) {
    isInUse(s);
    if
    :: !x -> clearSession(s)
    :: else
    fi
  }
  s = 0; x = 0
}

inline moveSession(from, to) {
  session[to].isAlive = session[from].isAlive; session[to].left = session[from].left;
  session[to].isKnown = session[from].isKnown; session[to].age = session[from].age;
  session[to].isDoubtful = session[from].isDoubtful; session[to].isMisled = session[from].isMisled;
  clearSession(from);
  if
  :: key.session == from -> key.session = to
  :: else
  fi;
  for (n : 0 .. LATE - 1) {
    if
    :: late[n].verb != nothing && late[n].session == from -> late[n].session = to
    :: else
    fi
  }
  n = 0
}

/* Consul: what it does with a request, with its answer in `ok`. */

inline checkKey() {
#if !defined(TWO_HOLDERS_ONLY)
  keyIsKept = keepsKey(0) && keepsKey(1);
  assert(keyIsKept);
#endif
  unheldTicks = 0
}

inline freeKey() {
  key.session = 0; key.token = 0; key.flags = 0; key.turn = 0;
  checkKey();
  clearUp()
}

inline endSession(which) {
  session[which].isAlive = 0; session[which].left = 0;
  if
  :: key.session == which -> freeKey()
  :: else -> clearUp()
  fi
}

/* taking.ts: [check-not-exists, lock]; when the key exists, a look whether that is our own earlier attempt. */
inline take(which, written) {
  if
  :: session[which].isAlive && key.session == 0 ->
    findNext();
    key.session = which; key.token = next; key.flags = written; key.turn = next;
    next = 0; ok = true;
    checkKey()
  :: session[which].isAlive && key.session == which && key.flags == written -> ok = true
  :: else -> ok = false
  fi
}

/* hand-over.ts: [check-session, check-index, lock] */
inline handOver(which, guard, written) {
  ok = key.session == which && key.token == guard;
  if
  :: ok ->
    findNext();
    raiseToken(); key.flags = written; key.turn = next;
    next = 0;
    checkKey();
    clearUp()
  :: else
  fi
}

/* returning.ts: [check-session, check-index, delete] */
inline giveBack(which, guard) {
  ok = mayGiveBack(which, guard);
  if
  :: ok -> freeKey()
  :: else
  fi
}

proctype ending(byte which) {
  do
  :: d_step { session[which].isAlive && (session[which].left == 0 || !session[which].isKnown) ->
      printf("session %d ends\n", which);
      endSession(which)
    }
  od
}

proctype straggler(byte l) {
  do
  :: d_step { late[l].verb == TAKE ->
      take(late[l].session, late[l].flags);
      if
      :: ok -> printf("a late TAKE leaves the key to session %d: token %d\n", late[l].session, key.token)
      :: else -> printf("a late TAKE is refused\n")
      fi;
      ok = false; clearLate(l); clearUp()
    }
  :: d_step { late[l].verb == HAND_OVER ->
      handOver(late[l].session, late[l].token, late[l].flags);
      printf("a late HAND_OVER leaves the key to nobody: token %d\n", key.token);
      ok = false; clearLate(l); clearUp()
    }
  :: d_step { late[l].verb == GIVE_BACK ->
      giveBack(late[l].session, late[l].token);
      printf("a late GIVE_BACK frees the key\n");
      ok = false; clearLate(l); clearUp()
    }
  :: d_step { late[l].verb != nothing -> printf("a late request gets lost\n"); clearLate(l); clearUp() }
  od
}

/* The time, which runs equally fast for everybody. */

inline grow(counter) {
  if
  :: counter < TTL -> counter++
  :: else
  fi
}

inline tick() {
  for (n : 0 .. CONTENDERS - 1) {
    if
    :: contender[n].holds -> grow(contender[n].leaseAge)
    :: else
    fi;
    x = x || isHeld(n)
  }
  for (n : 1 .. SESSIONS) {
    if
    :: runs(n) -> session[n].left--
    :: else
    fi;
    if
    :: session[n].isKnown -> grow(session[n].age)
    :: else
    fi
  }
  if
  :: isCalm && key.session != 0 && !x -> unheldTicks++
  :: else -> unheldTicks = 0
  fi;
  noKeyStays = unheldTicks <= 2 * TTL;
  assert(noKeyStays);
  n = 0; x = 0
}

proctype clock() {
  do
#if !defined(NEVER_CALM)
  :: d_step { !isCalm -> printf("from now on no request is lost\n"); isCalm = true }
#endif
  :: d_step {
      /* When it is calm, what is due comes before the next tick. */
      for (n : 0 .. LATE - 1) { x = x || late[n].verb != nothing }
      for (n : 1 .. SESSIONS) { x = x || (session[n].isAlive && session[n].left == 0) }
      n = 0;
      if
      :: isCalm && x -> x = 0
      :: else -> x = 0; printf("a tick\n"); tick()
      fi
    }
  od
}

/* The resource that the lock guards. A write that it would refuse whenever it comes is taken away. */

inline clearWrites() {
  if
  :: slowWrite.token < lastWrite.token -> slowWrite.token = 0; slowWrite.turn = 0
  :: else
  fi;
  x = slowWrite.turn > 0 && slowWrite.turn < lastWrite.turn;
  for (n : 0 .. CONTENDERS - 1) { x = x || (contender[n].turn > 0 && contender[n].turn < lastWrite.turn) }
  if
  :: !x -> lastWrite.token = 0; lastWrite.turn = 0
  :: else
  fi;
  n = 0; x = 0
}

inline write(from) {
  if
  :: from.token >= lastWrite.token ->
    fencing = from.turn >= lastWrite.turn;
    assert(fencing);
    lastWrite.token = from.token; lastWrite.turn = from.turn
  :: else
  fi
}

proctype resource() {
  do
  :: d_step { slowWrite.token > 0 ->
      printf("the slow write comes with token %d\n", slowWrite.token);
      write(slowWrite); slowWrite.token = 0; slowWrite.turn = 0; clearWrites()
    }
  od
}

/* What a contender does with its session. */

/* session.ts renew */
inline renew() {
  if
  :: mine.isAlive -> mine.left = LIFE; mine.age = 0; mine.isMisled = 0
  :: else -> mine.age = TTL
  fi
}

/* A deposed leader answers it as usual, and it has no effect (measured); not twice without one between that has. */
#define mayBeMisled (!mine.isMisled && mine.age < TTL)
inline beMisled() {
  mine.age = 0; mine.isMisled = 1; printf("%c renews its session at a deposed leader\n", nameOf(i))
}

/* session.ts sendRenewing: beside a write, and never in its way. */
inline renewBeside() {
  if
  :: skip
  :: d_step { renew() }; printf("%c renews its session beside that\n", nameOf(i))
  :: !isCalm && mine.isAlive ->
    mine.left = LIFE; mine.isDoubtful = 1; missAnswer();
    printf("%c renews its session beside that, but hears nothing of it\n", nameOf(i))
  :: !isCalm ->
    mine.isDoubtful = 1; missAnswer();
    printf("%c sends a renewal beside that, which gets lost\n", nameOf(i))
#if defined(DEPOSED_LEADER)
  :: mayBeMisled -> beMisled()
#endif
  fi
}

/* session.ts send: nobody knows what becomes of it. */
inline straggle(what) {
  mine.isDoubtful = 1;
  for (n : 0 .. LATE - 1) {
    if
    :: late[n].verb == nothing ->
      late[n].verb = what; late[n].session = OWN;
      if
      :: what == TAKE -> late[n].flags = flagsOf(i)
      :: what == HAND_OVER -> late[n].flags = flagsOf(OTHER); late[n].token = me.token
      :: else -> late[n].token = me.token
      fi;
      break
    :: else
    fi
  }
  n = 0;
  clearUp()
}

/* session-pool.ts endSession, tidy-up.ts */
inline drop(which) {
  session[which].isKnown = 0; session[which].age = 0; session[which].isDoubtful = 0; session[which].isMisled = 0;
  isInUse(which);
  if
  :: x ->
    s = POOL + 1;
    do
    :: session[s].isAlive -> s++
    :: else -> break
    od;
    moveSession(which, s)
  :: else -> clearSession(which)
  fi;
  s = 0; x = 0
}

/* session-pool.ts giveBack */
inline pool(which) {
  if
  :: session[which].age * 2 < TTL && mayServeAgain(which) && !session[POOL].isKnown ->
    moveSession(which, POOL);
    session[POOL].isDoubtful = 0
  :: else -> drop(which)
  fi
}

proctype idling() {
  do
  :: d_step { session[POOL].isKnown -> printf("the pool's session is ended\n"); drop(POOL) }
  od
}

/* Whoever asks again draws new flags. */
inline endAcquisition() {
  me.token = 0; me.turn = 0; me.hasAnnounced = 0; me.isReady = 1;
  if
  :: key.flags == flagsOf(i) -> key.flags = 0
  :: else
  fi;
  for (n : 0 .. LATE - 1) {
    if
    :: late[n].flags == flagsOf(i) -> late[n].flags = 0
    :: else
    fi
  }
  n = 0;
  clearWrites()
}

/* acquisition.ts, lock-handle.ts and giving-back.ts, one after the other. */
proctype contending(byte i) {
  /* Wants nothing, or waits in line without a session of its own. */
idle:
  atomic {
    if
    :: me.hasLot -> goto served
    :: !me.hasLot && session[POOL].isKnown ->
      d_step { moveSession(POOL, OWN) };
      printf("%c takes the session of the pool\n", nameOf(i));
      goto waiting
    :: !me.hasLot && !session[POOL].isKnown ->
      mine.isAlive = 1; mine.left = LIFE; mine.isKnown = 1; me.isReady = 0;
      printf("%c makes a session\n", nameOf(i));
      goto opening
    fi
  };

  /* contender-session.ts #open: the session is counted from before it was asked for. */
opening:
  atomic {
    if
    :: printf("%c is told of its session\n", nameOf(i)); readAnswer(); me.isReady = 1;
      goto waiting
    :: printf("%c hears nothing of its session\n", nameOf(i)); d_step { drop(OWN); endAcquisition() };
      goto idle
    fi
  };

waiting:
  atomic {
    if
    :: me.hasLot -> goto served
    :: !me.hasLot && mine.age < TTL ->
      renewBeside();
      if
      :: d_step { take(OWN, flagsOf(i)); x = ok; ok = false };
        if
        :: x ->
          x = 0; me.isReady = 0; me.token = key.token; me.turn = key.turn;
          printf("%c takes the key: token %d\n", nameOf(i), me.token);
          goto taken
        :: x && !isCalm ->
          x = 0; mine.isDoubtful = 1;
          printf("%c takes the key, but hears nothing of it: token %d\n", nameOf(i), key.token);
          goto waiting
        :: else -> printf("%c is refused the key\n", nameOf(i)); goto waiting
        fi
      :: !isCalm -> d_step { straggle(TAKE) }; printf("%c hears nothing of its TAKE\n", nameOf(i)); goto waiting
      fi
    :: !me.hasLot ->
      printf("%c gives up\n", nameOf(i)); d_step { giveUp(OWN); endAcquisition() };
      goto idle
    fi
  };

  /* The answer is on its way, and the session may be too old when it comes. */
taken:
  atomic {
    readAnswer();
    if
    :: mine.age < TTL -> goto entering
    :: printf("%c ends what it took\n", nameOf(i)); d_step { drop(OWN); endAcquisition() }; goto idle
    fi
  };

  /* What was handed over is given back at once by one who no longer waits. */
served:
  atomic {
    me.isReady = 0; me.hasLot = 0;
    if
    :: goto entering
    :: printf("%c has not waited for the lock\n", nameOf(i)); goto releasing
    fi
  };

  /* lease.ts: the lock is ours from here, until so long after its session was last started. */
entering:
  atomic {
    me.holds = 1; me.leaseAge = mine.age;
    printf("%c holds the lock for %d ticks: token %d\n", nameOf(i), TTL - me.leaseAge, me.token);
    d_step { mutualExclusion = !isHeld(0) || !isHeld(1); assert(mutualExclusion); checkKey() }
  };
holding:
  atomic {
    if
#if !defined(NO_WRITES)
    :: isHeld(i) ->
      printf("%c writes with token %d\n", nameOf(i), me.token); d_step { write(me); clearWrites() };
      goto holding
    :: isHeld(i) && slowWrite.token == 0 && me.token >= lastWrite.token ->
      printf("%c sends a slow write with token %d\n", nameOf(i), me.token);
      slowWrite.token = me.token; slowWrite.turn = me.turn;
      goto holding
#endif
    :: isHeld(i) -> printf("%c renews the lock\n", nameOf(i)); d_step { renew() }; goto renewing
    :: isHeld(i) && !isCalm && mine.isAlive ->
      mine.left = LIFE; mine.isDoubtful = 1; printf("%c renews the lock, but hears nothing of it\n", nameOf(i));
      goto holding
    :: isHeld(i) && !isCalm ->
      mine.isDoubtful = 1; printf("%c sends a renewal, which gets lost\n", nameOf(i));
      goto holding
#if defined(DEPOSED_LEADER)
    :: isHeld(i) && mayBeMisled -> beMisled(); goto renewing
#endif
    :: isHeld(i) -> printf("%c releases the lock\n", nameOf(i)); me.holds = 0; me.leaseAge = 0; goto releasing
    :: !isHeld(i) ->
      printf("%c has lost the lock\n", nameOf(i));
      d_step { me.holds = 0; me.leaseAge = 0; drop(OWN); endAcquisition() };
      goto idle
    fi
  };

  /* renewal.ts: the lease goes on when a look has shown that the key is still ours. A release does not wait for it. */
renewing:
  atomic {
    if
    :: isHeld(i) && isOurs ->
      me.leaseAge = mine.age;
      printf("%c holds the lock for %d ticks more\n", nameOf(i), TTL - me.leaseAge);
      goto holding
    :: !isHeld(i) || !isCalm -> goto holding
    :: printf("%c releases the lock instead\n", nameOf(i));
      me.holds = 0; me.leaseAge = 0; mine.isDoubtful = 1;
      goto releasing
    fi
  };

releasing:
  atomic {
    if
    /* hand-over.ts: not on a session in doubt; with too little of its TTL left, the lock is given back after all. */
    :: contender[OTHER].isReady && !contender[OTHER].hasLot && mayServeAgain(OWN) && !me.hasAnnounced ->
      renewBeside();
      if
      :: d_step { handOver(OWN, me.token, flagsOf(OTHER)); x = ok; ok = false };
        if
        :: x ->
          x = 0; me.token = key.token; me.turn = key.turn;
          if
          :: mine.age * 2 <= TTL ->
            printf("%c hands the lock over: token %d\n", nameOf(i), me.token);
            d_step {
              if
              :: session[OTHERS].isKnown -> pool(OTHERS)
              :: else
              fi;
              moveSession(OWN, OTHERS);
              contender[OTHER].hasLot = 1; contender[OTHER].token = me.token; contender[OTHER].turn = me.turn;
              endAcquisition()
            };
            goto idle
          :: else -> printf("%c hands over too old a session\n", nameOf(i)); goto releasing
          fi
        :: x && !isCalm ->
          x = 0; me.hasAnnounced = 1; mine.isDoubtful = 1;
          printf("%c hands the lock over, but hears nothing of it: token %d\n", nameOf(i), key.token);
          goto releasing
        :: else -> d_step { drop(OWN); endAcquisition() }; goto idle
        fi
      :: !isCalm ->
        d_step { straggle(HAND_OVER); me.hasAnnounced = 1 };
        printf("%c hears nothing of its HAND_OVER\n", nameOf(i));
        goto releasing
      fi
    :: d_step { giveBack(OWN, me.token); x = ok; ok = false };
      if
      :: x ->
        x = 0; printf("%c gives the key back\n", nameOf(i)); d_step { pool(OWN); endAcquisition() };
        goto idle
      :: x && !isCalm ->
        x = 0; mine.isDoubtful = 1; printf("%c gives the key back, but hears nothing of it\n", nameOf(i));
        goto releasing
      :: !x && (isOurs || isAnnounced) ->
        me.token = key.token; me.turn = key.turn;
        printf("%c finds what its HAND_OVER has left: token %d\n", nameOf(i), me.token);
        goto releasing
      :: else -> printf("%c finds its key gone\n", nameOf(i)); d_step { drop(OWN); endAcquisition() }; goto idle
      fi
    :: !isCalm ->
      d_step { straggle(GIVE_BACK) }; printf("%c hears nothing of its GIVE_BACK\n", nameOf(i));
      goto releasing
    :: printf("%c ends its session\n", nameOf(i)); d_step { drop(OWN); endAcquisition() }; goto idle
    fi
  }
}

init {
  atomic {
    for (n : 0 .. CONTENDERS - 1) { contender[n].isReady = 1; run contending(n) }
    for (n : 0 .. LATE - 1) { run straggler(n) }
    for (n : 1 .. SESSIONS) { run ending(n) }
    run idling();
    run clock();
    run resource();
    n = 0
  }
}
