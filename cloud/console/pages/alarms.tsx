export default function AlarmsPage() {
  return null;
}
