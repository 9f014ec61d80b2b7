-- Counting down, and what the counts were: nothing here is asked by a read or a write.

-- When a row came: a name that came after the mark is a new arrival. Null: it was there before rows said so.
alter table crossfade.secret add column created_at timestamptz;
alter table crossfade.secret alter column created_at set default clock_timestamp();

alter table crossfade.integration add column inventoried_at timestamptz;

create or replace function crossfade.mark_inventoried(integration text) returns boolean language plpgsql volatile as $$
begin
  perform pg_advisory_xact_lock_shared(crossfade.state_key(integration));
  update crossfade.integration i
    set inventoried = true, inventoried_at = clock_timestamp(), epoch = i.epoch + 1, changed_at = clock_timestamp()
    where i.name = mark_inventoried.integration and i.state = 'enrolled' and not i.inventoried;
  return exists (select from crossfade.integration i where i.name = mark_inventoried.integration and i.inventoried);
end $$;

-- Counts of an integration at an instant, by cohort: {cohort: {count: n}}. One that is like the one before is not written: a
-- sample holds until the next one. It outlives the rows that it counted, and names no customer and no secret.
create table crossfade.progress_sample (
  integration text collate "C" not null,
  at          timestamptz not null,
  counts      jsonb not null,
  primary key (integration, at)
);
-- For thinning out what is old.
create index progress_sample_at on crossfade.progress_sample (at);

-- Whose turn it is: one process takes a sample, the others find it taken. One row.
create table crossfade.progress_turn (at timestamptz not null);
insert into crossfade.progress_turn values ('-infinity');
