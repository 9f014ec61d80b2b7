-- The pace that operators set for an integration while it runs: rate, concurrency, adaptive; what is absent the configuration says.
-- Every process reads all of it twice a second, so it holds nothing else.
create table crossfade.pace (
  integration text collate "C" primary key,
  setting     jsonb not null
);

-- Sets it for these integrations, with an event of each in the same commit.
create function crossfade.set_pace(integrations text[], setting jsonb, actor text, reason text) returns void
  language sql volatile as $$
  with before as materialized (
    select p.integration, p.setting from crossfade.pace p where p.integration = any (integrations)
  ), after as (
    insert into crossfade.pace as p (integration, setting)
      select i, set_pace.setting from unnest(integrations) i
      on conflict (integration) do update set setting = p.setting || excluded.setting
      returning p.integration, p.setting
  )
  insert into crossfade.event (kind, integration, actor, detail)
    select 'pace', a.integration, set_pace.actor,
      jsonb_build_object('from', coalesce(b.setting, '{}'), 'to', a.setting, 'reason', set_pace.reason)
    from after a left join before b on b.integration = a.integration
$$;
