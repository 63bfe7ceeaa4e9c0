import { Group, Text } from '@mantine/core'
import { CopyIcon } from './copy.tsx'

interface SampleProps {
  readonly label: string
  readonly text: string
  readonly what: string
}

/** Something to run or to paste, as it is. */
export function Sample({ label, text, what }: SampleProps) {
  return (
    <div>
      <Group justify="space-between" gap="xs" mb={4} wrap="nowrap">
        <Text size="sm" fw={600}>
          {label}
        </Text>
        <CopyIcon text={text} what={what} />
      </Group>
      <pre className="code">{text}</pre>
    </div>
  )
}
