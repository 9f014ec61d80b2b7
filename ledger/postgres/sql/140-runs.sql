-- Runs of the migrator, and the processes that work on them. A run belongs to the ledger: each slice of it takes it for a
-- lease, and leaves what the next one needs.
create table crossfade.run (
  id          text primary key,
  integration text collate "C" not null,
  kind        text not null,
  stages      text[] not null,
  actor       text not null,
  reason      text,
  repair      boolean not null default false,
  state       text not null default 'queued' check (state in
    ('queued', 'running', 'paused', 'done', 'mismatches', 'partial', 'failed', 'cancelled')),
  wanted      text not null default 'run' check (wanted in ('run', 'pause', 'cancel')),
  wanted_by   text,
  -- Where it goes on, and what it told last. json, not jsonb: a store's position may hold what jsonb refuses.
  place       json not null,
  progress    json,
  -- Secrets that helpers beside the slice settled in this run.
  helped      bigint not null default 0,
  message     text,
  verified    json,
  report      json,
  -- The slice that has it now, and until when.
  holder      text,
  until       timestamptz,
  slices      bigint not null default 0,
  asked_at    timestamptz not null default clock_timestamp(),
  -- Of the last slice, or of the last job that was asked for.
  touched_at  timestamptz not null default clock_timestamp(),
  ended_at    timestamptz
);
create unique index run_unfinished on crossfade.run (integration) where ended_at is null;
create index run_latest on crossfade.run (integration, asked_at);

create table crossfade.worker (
  id         text primary key,
  name       text not null,
  -- `serve`: a process that serves clients, too.
  kind       text not null check (kind in ('serve', 'worker')),
  -- The names under which the job queue knows it.
  pools      text[] not null default '{}',
  until      timestamptz not null,
  started_at timestamptz not null default clock_timestamp()
);

-- What each process copies now, and what it sees of its clients. Nothing relies on it for longer than its lease, so it is
-- not written to the log, and gone after a crash.
create unlogged table crossfade.pace_report (
  id      text primary key,
  busy    text[] not null,
  clients json not null,
  until   timestamptz not null
);

-- Written with the change itself, so that none is lost with the process that made it.
create function crossfade.tell_run() returns trigger language plpgsql as $$
begin
  if new.ended_at is not null then
    -- A run ends by itself in the name of who began it.
    insert into crossfade.event (kind, integration, actor, detail)
      values ('run-ended', new.integration, case new.state when 'cancelled' then new.wanted_by else new.actor end,
        jsonb_build_object('run', new.id, 'what', new.kind, 'outcome', new.state, 'message', new.message));
  elsif new.wanted <> old.wanted then
    insert into crossfade.event (kind, integration, actor, detail)
      values (case new.wanted when 'run' then 'run-resumed' when 'pause' then 'run-paused' else 'run-cancelled' end,
        new.integration, new.wanted_by, jsonb_build_object('run', new.id, 'what', new.kind));
  end if;
  return null;
end $$;
create trigger run_told after update on crossfade.run for each row
  when (old.ended_at is null and (new.ended_at is not null or new.wanted <> old.wanted)) execute function crossfade.tell_run();
