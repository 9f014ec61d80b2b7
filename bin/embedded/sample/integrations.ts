import type { Shape } from '../../../backends/digest.ts'

/** One integration of the sample: who owns it, and what its values are. */
export interface SampleIntegration {
  readonly name: string
  readonly owner: string
  readonly shape: Shape
  /** Its part of the sample, relative to the others. */
  readonly weight: number
}

/** Some large, some tiny, two of them JSON: enough to see that integrations move one at a time. */
export const SAMPLE_INTEGRATIONS = [
  { name: 'aws', owner: 'team-cloud', shape: 'bytes', weight: 14 },
  { name: 'azure', owner: 'team-cloud', shape: 'bytes', weight: 10 },
  { name: 'gcp', owner: 'team-cloud', shape: 'json', weight: 9 },
  { name: 'github', owner: 'team-dev', shape: 'bytes', weight: 11 },
  { name: 'gitlab', owner: 'team-dev', shape: 'bytes', weight: 7 },
  { name: 'jira', owner: 'team-dev', shape: 'bytes', weight: 6 },
  { name: 'slack', owner: 'team-chat', shape: 'json', weight: 9 },
  { name: 'pagerduty', owner: 'team-chat', shape: 'bytes', weight: 6 },
  { name: 'twilio', owner: 'team-chat', shape: 'bytes', weight: 4 },
  { name: 'datadog', owner: 'team-observability', shape: 'bytes', weight: 8 },
  { name: 'stripe', owner: 'team-billing', shape: 'bytes', weight: 6 },
  { name: 'okta', owner: 'team-identity', shape: 'bytes', weight: 5 },
  { name: 'snowflake', owner: 'team-data', shape: 'bytes', weight: 4 },
  { name: 'sendgrid', owner: 'team-data', shape: 'bytes', weight: 1 },
] as const satisfies readonly SampleIntegration[]
