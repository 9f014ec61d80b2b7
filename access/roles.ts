/** `client`: the secrets API. `viewer`: reads the operators' API. `operator`: all of the operators' API. None implies another. */
export const ROLES = ['client', 'viewer', 'operator'] as const
export type Role = (typeof ROLES)[number]

/** What a request wants to do; the front names it, this room decides. */
export const PERMISSIONS = ['secrets', 'view', 'operate'] as const
export type Permission = (typeof PERMISSIONS)[number]

/** An operator sees what a viewer sees; neither reads a secret. */
export const ALLOWED = {
  client: ['secrets'],
  viewer: ['view'],
  operator: ['view', 'operate'],
} as const satisfies Record<Role, readonly Permission[]>

/** The first of these roles that gives the permission, for the audit; null if none does. */
export const roleFor = (roles: readonly Role[], permission: Permission): Role | null =>
  roles.find((role) => (ALLOWED[role] as readonly Permission[]).includes(permission)) ?? null
