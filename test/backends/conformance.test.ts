import { conforms } from './conformance.ts'
import { MAPPINGS, memorySubject, postgresSubject, sealedSubject } from './subjects.ts'

conforms('memory', memorySubject('fenced'))
conforms('memory plain', memorySubject('plain'))
for (const [name, mapping] of Object.entries(MAPPINGS)) conforms(name, postgresSubject(mapping))
conforms('sealed', sealedSubject)
