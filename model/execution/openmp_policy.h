// How OpenMP's threads wait for work.
#ifndef HARDFACE_MODEL_EXECUTION_OPENMP_POLICY_H_
#define HARDFACE_MODEL_EXECUTION_OPENMP_POLICY_H_

namespace hardface::model {

// Call first in main(). Unless the user has set OMP_WAIT_POLICY, runs this program anew with OMP_WAIT_POLICY=passive:
// libgomp reads the variable before main() starts. By default its threads spin while they wait, and any other process
// on the machine then costs far more than its share (seen: detection beside a training 7 times slower). Alone, passive
// costs nothing measurable.
void UsePassiveOpenMpWaiting(char** argv);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_EXECUTION_OPENMP_POLICY_H_
