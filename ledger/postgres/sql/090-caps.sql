-- Caps that were made durable once. A cap that could not be written is kept by every replica that runs it, and each tries to
-- write it: only the first does, so that one that comes late never brings back what was lifted meanwhile.
create table crossfade.cap_seen (
  id text primary key,
  at timestamptz not null default clock_timestamp()
);

-- Phases in their order, so that of two caps the lower one can be told.
create function crossfade.phase_rank(cap jsonb) returns integer language sql immutable as $$
  select array_position(array['off', 'dualwrite', 'shadow', 'live', 'rampdown', 'complete'], cap ->> 'phase')
$$;

-- What changed nothing is no change: a replica that comes late with a cap shall not make all of them load anew.
drop trigger cap_revision on crossfade.cap;
create trigger cap_revision after insert or update or delete on crossfade.cap
  for each row execute function crossfade.count_revision('caps');
