import { metrics as metricsApi, trace as traceApi } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';

const spans = new InMemorySpanExporter();
traceApi.setGlobalTracerProvider(
  new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }),
);
const measured = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter: measured });
metricsApi.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));

// #region sample
import { AsyncLocalStorage } from 'node:async_hooks';
import { channel, tracingChannel } from 'node:diagnostics_channel';
import { type Attributes, context, metrics, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import type { AcquireMessage, HoldMessage, LostMessage, ReleaseMessage } from 'consul-lock';

const tracer = trace.getTracer('consul-lock');
const meter = metrics.getMeter('consul-lock');
const waited = meter.createHistogram('lock.wait.duration', { unit: 's' });
const held = meter.createHistogram('lock.hold.duration', { unit: 's' });
const margin = meter.createHistogram('lock.release.margin', { unit: 's' });
const losses = meter.createCounter('lock.losses');

/** The hold that an acquisition or a release is a part of, and what was active around it. */
const around = new AsyncLocalStorage<{ readonly span: Span; readonly active: Span | undefined }>();

function traceAs<M extends { readonly keys: readonly string[]; readonly error?: unknown }>(
  name: string,
  conclude: (message: M) => Attributes,
): void {
  const open = new WeakMap<object, Span>();
  const traced = tracingChannel<unknown, M>(`consul-lock:${name}`);
  traced.start.bindStore(around, (message) => {
    const outer = around.getStore();
    const active = trace.getActiveSpan();
    // A span of the program's own that was begun since is nearer.
    const inside =
      outer?.active === active && outer ? trace.setSpan(context.active(), outer.span) : context.active();
    const attributes = { 'lock.keys': [...message.keys] };
    const span = tracer.startSpan(`lock ${name}`, { attributes }, inside);
    open.set(message, span);
    return { span, active };
  });
  traced.subscribe({
    start() {},
    end() {},
    error(message) {
      open.get(message)?.setStatus({ code: SpanStatusCode.ERROR, message: String(message.error) });
    },
    asyncStart() {},
    asyncEnd(message) {
      open.get(message)?.setAttributes(conclude(message)).end();
    },
  });
}

traceAs<AcquireMessage>('acquire', ({ waitedMs, attempts, fencingToken, error }) => {
  const { code } = (error ?? {}) as { code?: unknown };
  const isContended = error === undefined || code === 'LOCK_NOT_ACQUIRED' || code === 'LOCK_DEADLOCK';
  const outcome = fencingToken !== undefined ? 'acquired' : isContended ? 'contended' : 'failed';
  waited.record(waitedMs / 1_000, { outcome });
  return { 'lock.outcome': outcome, 'lock.attempts': attempts, 'lock.fencing_token': fencingToken ?? 0 };
});
traceAs<HoldMessage>('hold', ({ heldMs }) => ({ 'lock.held_ms': heldMs }));
traceAs<ReleaseMessage>('release', ({ heldMs, marginMs, stillOurs }) => {
  held.record(heldMs / 1_000);
  margin.record(marginMs / 1_000);
  return { 'lock.margin_ms': marginMs, 'lock.still_ours': String(stillOurs ?? 'unknown') };
});
channel('consul-lock:lost').subscribe((message) => {
  losses.add(1, { reason: (message as LostMessage).reason });
});
// #endregion

import { EphemeralLock, forceRelease } from 'consul-lock';

const lock = new EphemeralLock(process.argv[2] ?? 'telemetry');
await lock.hold(async (handle) => {
  if ((await lock.tryAcquire()) !== null) throw new Error('two holders');
  await handle.verify();
});
const handle = await lock.acquire();
await forceRelease(lock.key);
await handle.verify();
await handle.release();

await reader.forceFlush();
for (const span of spans.getFinishedSpans()) {
  const { name, attributes, status } = span;
  const parent = spans
    .getFinishedSpans()
    .find((other) => other.spanContext().spanId === span.parentSpanContext?.spanId);
  console.log(
    JSON.stringify({
      name,
      attributes,
      failed: status.code === SpanStatusCode.ERROR,
      parent: parent?.name ?? null,
    }),
  );
}
for (const { descriptor, dataPoints } of measured.getMetrics().at(-1)?.scopeMetrics[0]?.metrics ?? []) {
  for (const { attributes, value } of dataPoints) {
    const count = typeof value === 'number' ? value : value.count;
    console.log(JSON.stringify({ metric: descriptor.name, unit: descriptor.unit, attributes, count }));
  }
}
await reader.shutdown();
